"""SQLAlchemy with the starrocks dialect against Millrace: reflection, ORM insert and select, expressions."""
import datetime
import decimal
import sys

from checks import check, check_error, check_that
from sqlalchemy import Column, Date, DateTime, Integer, MetaData, Numeric, String, Table, create_engine, func, inspect, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

port, database = int(sys.argv[1]), sys.argv[2]
engine = create_engine(f"starrocks://root@127.0.0.1:{port}/{database}")

with engine.connect() as connection:
    check("select", connection.execute(text("SELECT :a + 1, :b"), {"a": 41, "b": "it's"}).fetchall(), [(42, "it's")])
    connection.execute(
        text(
            "CREATE TABLE people (id INT NOT NULL COMMENT 'the id', name VARCHAR(20), balance DECIMAL(10, 2), "
            "born DATE, seen DATETIME) DUPLICATE KEY (id) COMMENT 'some people' "
            "DISTRIBUTED BY HASH (id) BUCKETS 2 PROPERTIES ('replication_num' = '1')"
        )
    )
    connection.execute(text("CREATE VIEW rich AS SELECT id, name FROM people WHERE balance > 100"))

inspector = inspect(engine)
check_that("schemas", database in inspector.get_schema_names(), inspector.get_schema_names())
check("tables", inspector.get_table_names(), ["people"])
check("views", inspector.get_view_names(), ["rich"])
check_that("view definition", "people" in inspector.get_view_definition("rich"), inspector.get_view_definition("rich"))
columns = inspector.get_columns("people")
check("columns", [(c["name"], str(c["type"]), c["nullable"], c["comment"]) for c in columns], [
    ("id", "INTEGER", False, "the id"),
    ("name", "VARCHAR(20)", True, None),
    ("balance", "DECIMAL(10, 2)", True, None),
    ("born", "DATE", True, None),
    ("seen", "DATETIME", True, None),
])
check("table comment", inspector.get_table_comment("people"), {"text": "some people"})
check("indexes", inspector.get_indexes("people"), [])
check("foreign keys", inspector.get_foreign_keys("people"), [])
options = inspector.get_table_options("people")
check("key of the table", options["starrocks_duplicate_key"], "id")
check_that("has table", inspector.has_table("people") and not inspector.has_table("nobody"), None)

reflected = Table("people", MetaData(), autoload_with=engine)
check("reflected table", sorted(reflected.columns.keys()), ["balance", "born", "id", "name", "seen"])


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str | None] = mapped_column(String(20))
    balance: Mapped[decimal.Decimal | None] = mapped_column(Numeric(10, 2))
    born: Mapped[datetime.date | None] = mapped_column(Date)
    seen: Mapped[datetime.datetime | None] = mapped_column(DateTime)


with Session(engine) as session:
    session.add_all(
        Person(
            id=i,
            name=None if i == 3 else f"person '{i}'",
            balance=decimal.Decimal(i * 100) / 3,
            born=datetime.date(2000, 1, i),
            seen=datetime.datetime(2024, 2, 29, 1, 2, i, 500000),
        )
        for i in range(1, 6)
    )
    session.commit()
    found = session.scalars(select(Person).where(Person.balance > 100, Person.name.like("person%")).order_by(Person.id.desc())).all()
    check("ORM select", [(p.id, p.name, p.balance, p.born) for p in found], [
        (5, "person '5'", decimal.Decimal("166.67"), datetime.date(2000, 1, 5)),
        (4, "person '4'", decimal.Decimal("133.33"), datetime.date(2000, 1, 4)),
    ])
    check("microseconds", session.get(Person, 1).seen, datetime.datetime(2024, 2, 29, 1, 2, 1, 500000))
    check("aggregates", session.execute(select(func.count(), func.sum(Person.id), func.max(Person.name))).all(), [(5, 15, "person '5'")])
    check("IN and LIMIT", session.scalars(select(Person.id).where(Person.id.in_([1, 3, 9])).order_by(Person.id).limit(5).offset(1)).all(), [3])
    check("the view", session.execute(text("SELECT count(*) FROM rich")).scalar(), 2)

with engine.begin() as connection:
    connection.execute(reflected.insert(), [{"id": 10 + i, "name": f"core {i}"} for i in range(20)])
    check("executemany", connection.execute(select(func.count()).select_from(reflected)).scalar(), 25)

made = Table("made", MetaData(), Column("id", Integer, nullable=False), Column("note", String(50)), starrocks_duplicate_key="id", starrocks_distributed_by="HASH(id) BUCKETS 1", starrocks_properties={"replication_num": "1"})
made.create(engine)
check_that("create table", inspect(engine).has_table("made"), None)
made.drop(engine)
check_that("drop table", not inspect(engine).has_table("made"), None)
with engine.connect() as connection:
    try:
        connection.execute(text("SELECT * FROM nobody"))
        raise SystemExit("an unknown table was found")
    except Exception as error:  # noqa: BLE001
        check("error number", error.orig.args[0], 5502)
