"""Known figures, published: renders reports from figures and serves them on loopback.

    figures, blanks, styles   what is printed in every cell, what it means, how it is written
    prose, document, tables   a report before it is laid out
    shapes, faults            the same tables drawn otherwise; damage, with what must come of it
    layouts/, pdf, docx, xlsx a document as one page or file
    encodings                 the bytes of a page, honest and lying
    listing, cast, demo       the demo site; oddities and attached are its unusual pages
    trouble, misbehave        a site on which everything goes wrong
    server                    serves either of them

It must not use the reader in `tasks.report`: what it says of a page is the truth that the reader is
compared with.
"""
