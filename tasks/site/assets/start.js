// The last script of a page: everything it needs is there.
"use strict";
for (const part of ["theme", "years", "unfold", "search", "language", "print", "charts", "report"]) gongkai[part]?.();
