"""Small checks for the stories: each one that holds prints a line, the first that does not ends the program."""


def check(name, actual, expected):
    if actual != expected:
        raise SystemExit(f"{name}: got {actual!r}, expected {expected!r}")
    print(f"ok {name}", flush=True)


def check_that(name, holds, actual):
    if not holds:
        raise SystemExit(f"{name}: got {actual!r}")
    print(f"ok {name}", flush=True)


def check_error(name, errno, text, work):
    try:
        result = work()
    except Exception as error:  # noqa: BLE001: drivers have classes of their own
        actual = getattr(error, "errno", None) or error.args[0]
        if actual != errno or text not in str(error):
            raise SystemExit(f"{name}: got {actual} {error}") from error
        print(f"ok {name}", flush=True)
        return
    raise SystemExit(f"{name}: no error but {result!r}")
