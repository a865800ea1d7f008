"""The documents to search: what modules of the standard library say of themselves."""

import importlib
import inspect

NAMES = """
    abc argparse array ast asyncio atexit base64 bisect calendar collections
    configparser contextlib copy csv dataclasses datetime decimal difflib dis email
    enum filecmp fnmatch fractions functools gc getpass gettext glob graphlib gzip
    hashlib heapq hmac html http.cookies http.server inspect ipaddress itertools json
    linecache locale logging mailbox mimetypes multiprocessing operator os pathlib pdb
    pickle platform pprint queue random re sched secrets selectors shelve shlex shutil
    signal smtplib socket statistics string struct subprocess tarfile tempfile textwrap
    threading time timeit tokenize traceback types typing unicodedata unittest.mock
    urllib.parse uuid warnings weakref webbrowser xml.etree.ElementTree zipfile zlib
"""
MODULES = NAMES.split()


def read_module(name: str) -> str:
    """Return the docstrings of a module and of its public functions and classes."""
    module = importlib.import_module(name)
    members = vars(module)
    public = getattr(module, "__all__", [each for each in members if each[0] != "_"])
    documented = [module, *filter(_is_documented, map(members.get, public))]
    return "\n".join(inspect.getdoc(each) or "" for each in documented)


def _is_documented(member: object) -> bool:
    return inspect.isroutine(member) or inspect.isclass(member)
