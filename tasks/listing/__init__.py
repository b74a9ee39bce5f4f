"""Reading listing pages: what a page lists, where it goes on, which links are annual reports.

    html      a page as links with titles and dates
    records   entries that are no links: records for a script (datastore), JSON answers
    paging    where a listing goes on: links, selections, scripts, record services
    systems   what is known of the common content systems (`systems.csv`)
    choice    which links are annual reports, and which lead to a part of the listing
    attached  what belongs to one article: attachments, embedded documents, its further pages

No network and no orchestration: bytes come in, values go out.
"""
