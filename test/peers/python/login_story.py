"""Log-ins of users made in every way, through both plugins, with PyMySQL and mysql-connector-python."""
import sys

import mysql.connector
import pymysql
from checks import check, check_error

port = int(sys.argv[1])
USERS = {
    "l_native": "native pw",
    "l_sha2": "sha2 pw",
    "l_both": "plain pw",
    "l_hash": "123456",
    "l_utf8": "pässwörd 👋",
    "l_none": "",
}


def pymysql_user(user, password):
    # In bytes: PyMySQL takes texts for latin1.
    connection = pymysql.connect(host="127.0.0.1", port=port, user=user, password=password.encode())
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user()")
        return cursor.fetchone()[0]


def connector_user(user, password, **options):
    connection = mysql.connector.connect(
        host="127.0.0.1", port=port, user=user, password=password, use_pure=True, **options
    )
    cursor = connection.cursor()
    cursor.execute("SELECT current_user()")
    return cursor.fetchone()[0]


for user, password in USERS.items():
    check(f"PyMySQL {user}", pymysql_user(user, password), f"'{user}'@'%'")
    check(f"connector {user}", connector_user(user, password), f"'{user}'@'%'")
    check_error(
        f"PyMySQL {user} with a wrong password",
        1045,
        "Access denied",
        lambda user=user: pymysql_user(user, "wrong"),
    )
for plugin in ["mysql_native_password", "caching_sha2_password"]:
    check(
        f"connector with {plugin}",
        connector_user("l_both", USERS["l_both"], auth_plugin=plugin),
        "'l_both'@'%'",
    )
