// go-sql-driver/mysql against Millrace. Arguments: port and the file of the server's certificate. Prints a
// line for each check that holds; the first that does not ends the program.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

var mode string

func stop(name string, detail any) {
	fmt.Printf("%s: %s: %v\n", mode, name, detail)
	os.Exit(1)
}

func check(name string, actual, expected any) {
	if !reflect.DeepEqual(actual, expected) {
		stop(name, fmt.Sprintf("got %#v, expected %#v", actual, expected))
	}
	fmt.Printf("ok %s: %s\n", mode, name)
}

func must(name string, err error) {
	if err != nil {
		stop(name, err)
	}
}

func checkError(name string, number uint16, err error) {
	var told *mysql.MySQLError
	if !errors.As(err, &told) || told.Number != number {
		stop(name, err)
	}
	fmt.Printf("ok %s: %s\n", mode, name)
}

func open(port, options string) *sql.DB {
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(127.0.0.1:%s)/?%s", port, options))
	must("open", err)
	return db
}

const slow = "SELECT count(*) FROM TABLE(generate_series(1, 3000000)) a, TABLE(generate_series(1, 3000000)) b"

func play(db *sql.DB) {
	must("ping", db.Ping())
	values(db)
	results(db)
	cancel(db)
	pool(db)
	_, err := db.Query("SELEC 1")
	checkError("syntax error", 1064, err)
	_, err = db.Query("SELECT a FROM no_db.t WHERE a = ?", 1)
	checkError("unknown database", 1049, err)
}

func values(db *sql.DB) {
	binary := []byte{0, 1, 0xfe, 0xff}
	if mode == "interpolateParams=true" {
		// Written into the statement, where bytes that are no text are refused.
		_, err := db.Query("SELECT ?", binary)
		checkError("bytes that are no text", 1300, err)
		binary = []byte("text")
	}
	at := time.Date(2024, 2, 29, 1, 2, 3, 45000, time.UTC)
	var i int64
	var u uint64
	var f float64
	var s string
	var bytes string
	var t time.Time
	var null sql.NullString
	var flag bool
	row := db.QueryRow("SELECT ?, ?, ?, ?, hex(?), CAST(? AS DATETIME), ?, ?",
		int64(-9223372036854775808), uint64(18446744073709551615), 2.5, "it's \\ \" ? 👋",
		binary, at, nil, true)
	must("values", row.Scan(&i, &u, &f, &s, &bytes, &t, &null, &flag))
	check("int64", i, int64(-9223372036854775808))
	check("uint64", u, uint64(18446744073709551615))
	check("float64", f, 2.5)
	check("string", s, "it's \\ \" ? 👋")
	check("bytes", bytes, strings.ToUpper(hex.EncodeToString(binary)))
	check("time with microseconds", t.UTC(), at)
	check("null", null.Valid, false)
	check("bool", flag, true)

	var decimal, date, array string
	var raw []byte
	row = db.QueryRow("SELECT CAST('-12.50' AS DECIMAL(38, 2)), CAST('2024-02-29' AS DATE), [1, 2], x'00ff'")
	var day time.Time
	must("types", row.Scan(&decimal, &day, &array, &raw))
	date = day.Format("2006-01-02")
	check("types", []string{decimal, date, array, hex.EncodeToString(raw)}, []string{"-12.50", "2024-02-29", "[1,2]", "00ff"})

	statement, err := db.Prepare("SELECT generate_series FROM TABLE(generate_series(1, 100)) WHERE generate_series > ? ORDER BY 1 LIMIT ?")
	must("prepare", err)
	defer statement.Close()
	var got []int64
	for low := 0; low < 100; low += 40 {
		rows, err := statement.Query(low, 2)
		must("query", err)
		for rows.Next() {
			var n int64
			must("scan", rows.Scan(&n))
			got = append(got, n)
		}
		must("rows", rows.Err())
	}
	check("prepared, run again", got, []int64{1, 2, 41, 42, 81, 82})
}

func results(db *sql.DB) {
	for _, args := range [][]any{{}, {100000}} {
		text := "SELECT generate_series, concat('row ', generate_series) FROM TABLE(generate_series(1, 100000))"
		if len(args) > 0 {
			text += " WHERE generate_series <= ?"
		}
		rows, err := db.Query(text, args...)
		must("query", err)
		var sum int64
		for rows.Next() {
			var n int64
			var s string
			must("scan", rows.Scan(&n, &s))
			sum += n
		}
		must("rows", rows.Err())
		check(fmt.Sprintf("100,000 rows, %d parameters", len(args)), sum, int64(100000)*100001/2)
	}
	var long string
	must("long", db.QueryRow("SELECT replace(repeat('y', 1000000), 'y', repeat('y', 17)) WHERE ? = 1", 1).Scan(&long))
	check("a row of 17 MB", len(long), 17000000)
	rows, err := db.Query("SELECT 1; SELECT 2, 3")
	must("several", err)
	rows.Next()
	check("several statements", rows.NextResultSet(), true)
	columns, err := rows.Columns()
	must("columns", err)
	check("columns of the second result", columns, []string{"2", "3"})
	rows.Close()
}

func cancel(db *sql.DB) {
	// The driver closes its socket when the context ends: the server must notice and stop.
	ctx, done := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer done()
	started := time.Now()
	var n int64
	err := db.QueryRowContext(ctx, slow).Scan(&n)
	check("context deadline", errors.Is(err, context.DeadlineExceeded) && time.Since(started) < 5*time.Second, true)
	for i := 0; ; i++ {
		running := 0
		rows, err := db.Query("SHOW PROCESSLIST")
		must("processlist", err)
		columns, _ := rows.Columns()
		for rows.Next() {
			cells := make([]sql.NullString, len(columns))
			targets := make([]any, len(columns))
			for j := range cells {
				targets[j] = &cells[j]
			}
			must("scan", rows.Scan(targets...))
			for j, name := range columns {
				if name == "Info" && len(cells[j].String) > 20 && cells[j].String[:20] == slow[:20] {
					running++
				}
			}
		}
		if running == 0 {
			break
		}
		if i > 100 {
			stop("the cancelled query", "still runs")
		}
		time.Sleep(50 * time.Millisecond)
	}
	check("the cancelled query is gone", true, true)
}

func pool(db *sql.DB) {
	db.SetMaxOpenConns(20)
	var wait sync.WaitGroup
	failures := make(chan error, 400)
	for i := 0; i < 400; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var n int
			if err := db.QueryRow("SELECT ? + 1", i).Scan(&n); err != nil || n != i+1 {
				failures <- fmt.Errorf("%d: %d %v", i, n, err)
			}
		}()
	}
	wait.Wait()
	close(failures)
	check("400 queries over 20 connections", <-failures, error(nil))
}

func main() {
	port := os.Args[1]
	pem, err := os.ReadFile(os.Args[2])
	must("certificate", err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	must("tls", mysql.RegisterTLSConfig("own", &tls.Config{RootCAs: roots, ServerName: "localhost"}))
	for _, options := range []string{
		"", "interpolateParams=true", "tls=own", "tls=skip-verify&compress=true", "compress=true",
	} {
		mode = options
		if mode == "" {
			mode = "default"
		}
		db := open(port, "parseTime=true&multiStatements=true&"+options)
		play(db)
		must("close", db.Close())
	}
	mode = "refused"
	var n int
	err = open(port, "tls=true").QueryRow("SELECT 1").Scan(&n)
	var unknown x509.UnknownAuthorityError
	check("an unknown authority", errors.As(err, &unknown), true)
	db, err := sql.Open("mysql", fmt.Sprintf("root:wrong@tcp(127.0.0.1:%s)/", port))
	must("open", err)
	checkError("a wrong password", 1045, db.Ping())
}
