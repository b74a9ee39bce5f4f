"""Names of divisions and organs as documents write them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tasks.units.model import Division

_NOISE = re.compile(r"[\s　·・•()（）\[\]【】《》“”\"'、,，.。:：]")
_TITLE_TAIL = re.compile(r"(?:关于)?(?:的)?(?:政府信息公开|信息公开|政务公开).*$")
_TITLE_YEAR = re.compile(r"(?:19|20)\d\d\s*年?(?:度)?(?:的)?")
_SHORT_TAILS = {1: "省市", 2: "市州盟", 3: "县区市旗"}
_PEOPLES = re.compile(
    r"(?:蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|"
    r"纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|撒拉|毛南|仡佬|锡伯|塔吉克|怒|鄂温克|保安|裕固|独龙|各|"
    r"普米|阿昌|布朗|德昂|京|鄂伦春|赫哲|门巴|珞巴|基诺|高山|俄罗斯|塔塔尔|乌孜别克)族"
    r"|(?<=新疆)维吾尔|(?<=^)达斡尔(?=自治旗)"
)


def clean(text: str) -> str:
    """A name as it is compared: NFKC, no spaces, no punctuation."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=65536)
def short_names(division: Division) -> frozenset[str]:
    """The names a division goes by without its kind: 浙江, 杭州, 临安, 甘孜州."""
    name, level = division.name, division.level
    if level == 4 or division.kind == "functional":
        return frozenset()
    found: set[str] = set()
    plain = _PEOPLES.sub("", name)
    for tail in ("特别行政区", "自治区", "自治州", "自治县", "自治旗", "地区"):
        if plain.endswith(tail) and len(plain) - len(tail) >= 2:
            stem = plain[: -len(tail)]
            found |= {stem, stem + tail[-1]} - {stem + "区"}
            break
    else:
        if plain[-1] in _SHORT_TAILS[level] and len(plain) >= 3:
            found.add(plain[:-1])
    return frozenset(s for s in found if len(s) >= 2 and s != name)


@lru_cache(maxsize=4096)
def unit_in_title(title: str) -> str:
    """What a title says before its year and 政府信息公开."""
    text = _TITLE_TAIL.sub("", _TITLE_YEAR.sub("", unicodedata.normalize("NFKC", title)))
    return clean(text)
