"""mysql-connector-python against Millrace: prepared cursors, compression, change user, attributes, TLS."""
import datetime
import decimal
import sys

import mysql.connector
from checks import check, check_error, check_that

port, certificate = int(sys.argv[1]), sys.argv[2]


def connect(**options):
    options.setdefault("user", "root")
    return mysql.connector.connect(host="127.0.0.1", port=port, use_pure=True, **options)


VALUES = (
    42,
    -9223372036854775808,
    2.5,
    "grüße 👋",
    decimal.Decimal("-12.50"),
    datetime.date(2024, 2, 29),
    datetime.datetime(2024, 2, 29, 1, 2, 3, 45),
    None,
)
for name, options in {
    "plain": {"ssl_disabled": True},
    "TLS": {"ssl_ca": certificate, "ssl_verify_cert": True, "ssl_verify_identity": True},
    "compressed": {"compress": True, "ssl_disabled": True},
    "TLS and compressed": {"compress": True},
}.items():
    connection = connect(**options)
    prepared = connection.cursor(prepared=True)
    prepared.execute("SELECT ?, ?, ?, ?, ?, ?, ?, ?", VALUES)
    check(f"{name}: prepared parameters come back", prepared.fetchall(), [VALUES])
    statement = "SELECT generate_series FROM TABLE(generate_series(1, 30)) WHERE generate_series > ? ORDER BY 1 LIMIT ?"
    for low in (0, 10, 28):
        prepared.execute(statement, (low, 3))
        wanted = [(low + i,) for i in range(1, 4) if low + i <= 30]
        check(f"{name}: prepared again, from {low}", prepared.fetchall(), wanted)
    prepared.execute("SELECT hex(?)", (b"\x00\xfe\xff",))
    check(f"{name}: bytes", prepared.fetchall(), [("00FEFF",)])
    prepared.close()
    plain = connection.cursor()
    plain.execute("SELECT %(a)s, %(b)s", {"a": 1, "b": "x'y"})
    check(f"{name}: text parameters", plain.fetchall(), [(1, "x'y")])
    # Up as a parameter; down as text, since this driver does not join the parts of a binary row.
    big = "x" * 17_000_000
    setter = connection.cursor(prepared=True)
    setter.execute("SET @big = ?", (big,))
    setter.close()
    plain.execute("SELECT @big")
    check_that(f"{name}: 17 MB there and back", plain.fetchall() == [(big,)], None)
    plain.execute("SELECT repeat('y', 1000000), generate_series FROM TABLE(generate_series(1, 18))")
    check(f"{name}: rows of 18 MB", sum(len(row[0]) for row in plain), 18_000_000)
    check_error(f"{name}: error", 1064, "Unexpected input", lambda: plain.execute("SELEC 1"))
    plain.close()
    connection.close()

connection = connect()
check_that("TLS is the default", connection._socket.sock.cipher() is not None, None)
cursor = connection.cursor()
cursor.add_attribute("trace_id", "abc")
cursor.add_attribute("number", 7)
cursor.execute("SELECT 'with attributes'")
check("query attributes", cursor.fetchall(), [("with attributes",)])
cursor.close()
results = []
for result in connection.cmd_query_iter("SELECT 1; SET @v = 2; SELECT @v"):
    if "columns" in result:
        results.append(connection.get_rows()[0])
check("several statements", results, [[(1,)], [(2,)]])
connection.cmd_init_db("information_schema")
cursor = connection.cursor()
cursor.execute("SELECT DATABASE(), @v")
check("init db", cursor.fetchall(), [("information_schema", 2)])
connection.cmd_reset_connection()
cursor.execute("SELECT DATABASE(), @v")
check("reset connection", cursor.fetchall(), [("information_schema", None)])
connection.cmd_change_user("root", "", "_statistics_")
cursor.execute("SELECT DATABASE()")
check("change user", cursor.fetchall(), [("_statistics_",)])
connection.ping()
check_that("statistics", "Uptime" in str(connection.cmd_statistics()), None)
other = connect()
check_error("kill of an unknown connection", 1094, "", lambda: connection.cmd_process_kill(4_000_000_000))
connection.cmd_process_kill(other.connection_id)
try:
    other.cmd_ping()
    raise SystemExit("a killed connection answered")
except mysql.connector.Error as error:
    check_that("kill", error.errno in (2013, 2006, 2055, 1317, 4031), error)
check_error("wrong password", 1045, "Access denied", lambda: connect(password="wrong"))
cursor.execute("SHOW VARIABLES LIKE 'version'")
check("show variables", cursor.fetchall(), [("version", "8.0.33")])
cursor.close()
connection.close()
