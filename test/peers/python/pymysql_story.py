"""PyMySQL against Millrace: types, parameters, TLS, kill, several statements, errors, big results."""
import datetime
import decimal
import ssl
import sys
import threading
import time

import pymysql
import pymysql.cursors
from checks import check, check_error, check_that

port, certificate = int(sys.argv[1]), sys.argv[2]


def connect(**options):
    return pymysql.connect(host="127.0.0.1", port=port, user="root", **options)


def one(connection, sql, args=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchone()


plain = connect(charset="utf8mb4", autocommit=True)
check("server version", plain.get_server_info().split(".")[0], "8")
check("select with parameters", one(plain, "SELECT %s, %s, %s", (1, "it's \\ \" 👋", None)), (1, "it's \\ \" 👋", None))
check(
    "types",
    one(
        plain,
        "SELECT CAST(1 AS BOOLEAN), CAST(-5 AS TINYINT), 9223372036854775807, CAST(1.25 AS DOUBLE), "
        "CAST('12.50' AS DECIMAL(10, 2)), CAST('2024-02-29' AS DATE), "
        "CAST('2024-02-29 01:02:03.000045' AS DATETIME), x'00ff', [1, 2], CAST('12345678901234567890' AS LARGEINT)",
    ),
    (
        1,
        -5,
        9223372036854775807,
        1.25,
        decimal.Decimal("12.50"),
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 1, 2, 3, 45),
        b"\x00\xff",
        "[1,2]",
        "12345678901234567890",
    ),
)
with plain.cursor(pymysql.cursors.DictCursor) as cursor:
    cursor.execute("SELECT 1 AS a, 'x' AS b")
    check("dict cursor", cursor.fetchall(), [{"a": 1, "b": "x"}])
with plain.cursor(pymysql.cursors.SSCursor) as cursor:
    cursor.execute("SELECT generate_series FROM TABLE(generate_series(1, 200000))")
    check("streamed rows", sum(1 for _ in cursor), 200000)
check_error("syntax error", 1064, "selct", lambda: one(plain, "selct 1"))
check_error("unknown database", 1049, "nowhere", lambda: connect(database="nowhere"))
check_error("wrong password", 1045, "Access denied", lambda: connect(password="wrong"))
check_error("one statement only", 1064, "more than one statement", lambda: one(plain, "SELECT 1; SELECT 2"))
check_error("LOCAL INFILE", 3948, "reads no files", lambda: one(plain, "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t"))

several = connect(client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
with several.cursor() as cursor:
    cursor.execute("SELECT 1; SET @a = 2; SELECT @a")
    results = [cursor.fetchall()]
    while cursor.nextset():
        results.append(cursor.fetchall())
check("several statements", [rows for rows in results if rows], [((1,),), ((2,),)])

context = ssl.create_default_context(cafile=certificate)
secure = connect(ssl=context)
check("TLS with the self-made certificate as authority", one(secure, "SELECT 1"), (1,))
check_that("TLS is used", secure._sock.cipher()[1].startswith("TLS"), secure._sock.cipher())
stranger = ssl.create_default_context()
try:
    connect(ssl=stranger)
    raise SystemExit("a certificate that nobody signed was trusted")
except pymysql.err.OperationalError as error:
    check_that("an unknown authority is refused", "certificate verify failed" in str(error), error)

# KILL QUERY from another connection, as tools do for their time limits.
victim = connect()
outcome = []


def slow():
    try:
        outcome.append(one(victim, "SELECT count(*) FROM TABLE(generate_series(1, 3000000)) a, TABLE(generate_series(1, 3000000)) b"))
    except pymysql.err.Error as error:
        outcome.append(error.args[0])


thread = threading.Thread(target=slow)
thread.start()
for _ in range(200):
    with plain.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SHOW PROCESSLIST")
        if any(int(row["Id"]) == victim.thread_id() and row["Command"] == "Query" for row in cursor):
            break
    time.sleep(0.05)
started = time.monotonic()
one(plain, f"KILL QUERY {victim.thread_id()}")
thread.join(10)
check("KILL QUERY", outcome, [1317])
check_that("KILL QUERY is quick", time.monotonic() - started < 3, time.monotonic() - started)
check("the killed connection goes on", one(victim, "SELECT 7"), (7,))

plain.ping(reconnect=False)
plain.select_db("information_schema")
check("select_db", one(plain, "SELECT DATABASE()"), ("information_schema",))
for connection in (plain, several, secure, victim):
    connection.close()
