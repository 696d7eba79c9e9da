"""Stream Load with requests, as scripts do it: whole bodies, generators (chunked), files, gzip, retries with a label, redirects."""
import gzip
import io
import json
import sys

import requests
from checks import check, check_that

base, user, password, database = sys.argv[1:5]


class LoadSession(requests.Session):
    """Keeps the log-in when the front end sends it to another port, as StarRocks' own examples do."""

    def should_strip_auth(self, old_url, new_url):
        return False


session = LoadSession()
session.auth = (user, password)


def put(table, body, **headers):
    # A header's name may have dashes, an argument's not.
    answer = session.put(
        f"http://{base}/api/{database}/{table}/_stream_load",
        data=body,
        headers={"Expect": "100-continue", **headers},
        timeout=60,
    )
    check("HTTP status", answer.status_code, 200)
    return answer.json()


def loaded(name, answer, rows):
    check(f"{name}: status", answer["Status"], "Success")
    check(f"{name}: rows", answer["NumberLoadedRows"], rows)
    return answer


answer = loaded("CSV", put("t", "1,one,1.5\n2,two,\\N\n", column_separator=",", label="py-1"), 2)
check(
    "keys",
    list(answer),
    [
        "TxnId", "Label", "Status", "Message", "NumberTotalRows", "NumberLoadedRows", "NumberFilteredRows",
        "NumberUnselectedRows", "LoadBytes", "LoadTimeMs", "BeginTxnTimeMs", "StreamLoadPlanTimeMs",
        "ReadDataTimeMs", "WriteDataTimeMs", "CommitAndPublishTimeMs",
    ],
)  # fmt: skip
check("message", answer["Message"], "OK")
check("label", answer["Label"], "py-1")
check("bytes", answer["LoadBytes"], 19)
check_that("numbers", all(type(answer[key]) is int for key in answer if key not in ("Label", "Status", "Message")), answer)

again = put("t", "1,one,1.5\n", column_separator=",", label="py-1")
check("the label again", again["Status"], "Label Already Exists")
check("what became of it", again["ExistingJobStatus"], "FINISHED")

rows = json.dumps([{"id": 3, "name": "drei", "x": 3.25}, {"id": 4, "name": "größe, \"quoted\""}])
loaded("JSON array", put("t", rows.encode(), format="json", strip_outer_array="true"), 2)
lines = "".join(json.dumps({"id": i, "name": f"n{i}", "x": i / 4}) + "\n" for i in range(10, 1010))
loaded("JSON lines, chunked", put("t", (part.encode() for part in lines.splitlines(True)), format="json"), 1000)
loaded("file", put("t", io.BytesIO(b"5|five|5\n6|six|6\n"), column_separator="|"), 2)
loaded(
    "gzip",
    put("t", gzip.compress(b"7\tseven\t7\n8\teight\t8\n"), compression="gzip"),
    2,
)
loaded("columns and where", put("t", "9,nine,90\n99,no,0\n", column_separator=",", columns="id,name,y,x=y/10", where="id < 50"), 1)

failed = put("t", "20,twenty\n", column_separator=",", label="py-2")
check("too few fields", failed["Status"], "Fail")
check("filtered", failed["NumberFilteredRows"], 1)
log = session.get(failed["ErrorURL"], timeout=60)
check_that("error log", log.status_code == 200 and "20,twenty" in log.text, log.text)
loaded("the label of a failed load", put("t", "20,twenty,1\n", column_separator=",", label="py-2"), 1)

state = session.get(f"http://{base}/api/{database}/get_load_state", params={"label": "py-1"}, timeout=60).json()
check("get_load_state", state["state"], "VISIBLE")
state = session.get(f"http://{base}/api/{database}/get_load_state", params={"label": "none"}, timeout=60).json()
check("get_load_state of no label", state["state"], "UNKNOWN")

first = session.put(
    f"http://{base}/api/{database}/t/_stream_load",
    data="30,thirty,1\n",
    headers={"redirect": "true", "column_separator": ","},
    allow_redirects=False,
    timeout=60,
)
check("redirect", first.status_code, 307)
check_that("where to", first.headers["Location"].startswith("http://"), first.headers)
loaded("redirected", put("t", "30,thirty,1\n", column_separator=",", redirect="true"), 1)

wrong = requests.put(
    f"http://{base}/api/{database}/t/_stream_load", data="1\n", auth=(user, "wrong"), timeout=60
)
check("wrong password", wrong.status_code, 401)
none = requests.put(f"http://{base}/api/{database}/t/_stream_load", data="1\n", timeout=60)
check("no log-in", none.status_code, 401)

loaded("upserts", put("k", "1,a,1\n2,b,2\n3,c,3\n", column_separator=","), 3)
deletes = json.dumps([{"id": 1, "__op": 1}, {"id": 2, "name": "B", "x": 20, "__op": 0}])
loaded("deletes", put("k", deletes, format="json", strip_outer_array="true", columns="id,name,x,__op"), 2)
partial = put("k", "3,30\n", column_separator=",", columns="id,x", partial_update="true")
loaded("partial update", partial, 1)
