"""The zipapp's entry. This file alone must parse on Python 3.6, so that it can say what is wrong there."""

import sys


def main():  # type: ignore[no-untyped-def]
    """Run `converse` for ssh, `carry-out ID` for a change, `probation FILE ID` after a deploy."""
    if sys.version_info < (3, 11):
        sys.stderr.write("Python 3.11 is needed, this is %d.%d\n" % sys.version_info[:2])
        return 2
    from host.entry import enter  # type: ignore[import-not-found]

    return enter(sys.argv[1:])


sys.exit(main())  # type: ignore[no-untyped-call]
