;; Finds the lines of CSV bytes, and says whether some fields are spelled so that the engine's CSV reader gives exactly
;; their value as a number or time. 64 bytes at a time: this runs over every byte of a body. `npm run wasm` makes
;; line-scan-code.ts of it; line-scan.ts says what goes in and out.
(module
  ;; Kinds of fields (0 = any text) at 0, one byte each; input at 4096, 64 KiB and 64 bytes that are text; starts of
  ;; rows at 81920, their lengths at 344064, 4 bytes each.
  (memory (export "memory") 10 10)
  (data (i32.const 4000) "9223372036854775807")
  (global $consumed (export "consumed") (mut i32) (i32.const 0))
  (global $longest (export "longest") (mut i32) (i32.const 0))
  (global $flags (export "flags") (mut i32) (i32.const 0))

  ;; A bit for each of the 16 bytes that is no digit.
  (func $others (param $at i32) (result i32)
    (i8x16.bitmask
      (i8x16.ge_u
        (i8x16.sub (v128.load align=1 (local.get $at)) (i8x16.splat (i32.const 0x30)))
        (i8x16.splat (i32.const 10)))))

  ;; Digits alone, with a minus or without, that fit into 64 bits.
  (func $isInteger (param $start i32) (param $end i32) (result i32)
    (local $length i32)
    (local $at i32)
    (local $byte i32)
    (local $most i32)
    (if (i32.eq (i32.load8_u (local.get $start)) (i32.const 0x2d))
      (then (local.set $start (i32.add (local.get $start) (i32.const 1)))))
    (local.set $length (i32.sub (local.get $end) (local.get $start)))
    (if (i32.le_s (local.get $length) (i32.const 0)) (then (return (i32.const 0))))
    (if (i32.le_s (local.get $length) (i32.const 16))
      (then
        (return
          (i32.eqz
            (i32.and
              (call $others (local.get $start))
              (i32.sub (i32.shl (i32.const 1) (local.get $length)) (i32.const 1)))))))
    (if (i32.gt_s (local.get $length) (i32.const 19)) (then (return (i32.const 0))))
    (if (i32.or
          (call $others (local.get $start))
          (call $others (i32.sub (local.get $end) (i32.const 16))))
      (then (return (i32.const 0))))
    (if (i32.lt_s (local.get $length) (i32.const 19)) (then (return (i32.const 1))))
    ;; 19 digits: none is larger than the largest BIGINT.
    (loop $digits
      (local.set $byte (i32.load8_u (i32.add (local.get $start) (local.get $at))))
      (local.set $most (i32.load8_u offset=4000 (local.get $at)))
      (if (i32.ne (local.get $byte) (local.get $most))
        (then (return (i32.lt_u (local.get $byte) (local.get $most)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $digits (i32.lt_s (local.get $at) (i32.const 19))))
    (i32.const 1))

  ;; The number of two digits.
  (func $two (param $at i32) (result i32)
    (i32.sub
      (i32.add
        (i32.mul (i32.load8_u (local.get $at)) (i32.const 10))
        (i32.load8_u offset=1 (local.get $at)))
      (i32.const 528)))

  ;; yyyy-mm-dd of a day that there is; 29 February is left to the slow way. The bits of $others are looked at by the
  ;; caller.
  (func $isDay (param $at i32) (result i32)
    (local $month i32)
    (local $day i32)
    (if (i32.or
          (i32.or
            (i32.ne (i32.load8_u offset=4 (local.get $at)) (i32.const 0x2d))
            (i32.ne (i32.load8_u offset=7 (local.get $at)) (i32.const 0x2d)))
          (i32.eq (i32.load align=1 (local.get $at)) (i32.const 0x30303030)))
      (then (return (i32.const 0))))
    (local.set $month (call $two (i32.add (local.get $at) (i32.const 5))))
    (local.set $day (call $two (i32.add (local.get $at) (i32.const 8))))
    (if (i32.or
          (i32.gt_u (i32.sub (local.get $month) (i32.const 1)) (i32.const 11))
          (i32.eqz (local.get $day)))
      (then (return (i32.const 0))))
    (if (i32.le_u (local.get $day) (i32.const 28)) (then (return (i32.const 1))))
    (if (i32.eq (local.get $month) (i32.const 2)) (then (return (i32.const 0))))
    (if (i32.le_u (local.get $day) (i32.const 30)) (then (return (i32.const 1))))
    ;; Months of 31 days: 1, 3, 5, 7, 8, 10, 12.
    (i32.and
      (i32.eq (local.get $day) (i32.const 31))
      (i32.and (i32.shr_u (i32.const 0x15aa) (local.get $month)) (i32.const 1))))

  (func $isDate (param $start i32) (param $end i32) (result i32)
    (if (i32.ne (i32.sub (local.get $end) (local.get $start)) (i32.const 10))
      (then (return (i32.const 0))))
    (if (i32.ne (i32.and (call $others (local.get $start)) (i32.const 0x3ff)) (i32.const 0x90))
      (then (return (i32.const 0))))
    (call $isDay (local.get $start)))

  ;; yyyy-mm-dd hh:mm:ss
  (func $isDatetime (param $start i32) (param $end i32) (result i32)
    (if (i32.ne (i32.sub (local.get $end) (local.get $start)) (i32.const 19))
      (then (return (i32.const 0))))
    (if (i32.or
          (i32.ne (call $others (local.get $start)) (i32.const 0x2490))
          (i32.ne (i32.and (call $others (i32.add (local.get $start) (i32.const 16))) (i32.const 7))
            (i32.const 1)))
      (then (return (i32.const 0))))
    (if (i32.or
          (i32.or
            (i32.ne (i32.load8_u offset=10 (local.get $start)) (i32.const 0x20))
            (i32.ne (i32.load8_u offset=13 (local.get $start)) (i32.const 0x3a)))
          (i32.ne (i32.load8_u offset=16 (local.get $start)) (i32.const 0x3a)))
      (then (return (i32.const 0))))
    (if (i32.or
          (i32.or
            (i32.gt_u (call $two (i32.add (local.get $start) (i32.const 11))) (i32.const 23))
            (i32.gt_u (call $two (i32.add (local.get $start) (i32.const 14))) (i32.const 59)))
          (i32.gt_u (call $two (i32.add (local.get $start) (i32.const 17))) (i32.const 59)))
      (then (return (i32.const 0))))
    (call $isDay (local.get $start)))

  (func $isPlain (param $kind i32) (param $start i32) (param $end i32) (result i32)
    ;; \N
    (if (i32.and
          (i32.eq (i32.sub (local.get $end) (local.get $start)) (i32.const 2))
          (i32.eq (i32.load16_u align=1 (local.get $start)) (i32.const 0x4e5c)))
      (then (return (i32.const 1))))
    (if (i32.eq (local.get $kind) (i32.const 1))
      (then (return (call $isInteger (local.get $start) (local.get $end)))))
    (if (i32.eq (local.get $kind) (i32.const 2))
      (then (return (call $isDate (local.get $start) (local.get $end)))))
    (call $isDatetime (local.get $start) (local.get $end)))

  ;; Gives the number of rows that end in the input. `base` is added to where they start.
  (func (export "scan")
    (param $length i32) (param $base i32) (param $separator i32) (param $fields i32) (result i32)
    (local $at i32)
    (local $end i32)
    (local $bytes v128)
    (local $breaks v128)
    (local $controls v128)
    (local $all v128)
    (local $marks i64)
    (local $lines i64)
    (local $bit i64)
    (local $position i32)
    (local $rowStart i32)
    (local $fieldStart i32)
    (local $column i32)
    (local $rows i32)
    (local $rowLength i32)
    (local $longest i32)
    (local $flags i32)
    (local $kind i32)
    (local.set $at (i32.const 4096))
    (local.set $rowStart (i32.const 4096))
    (local.set $fieldStart (i32.const 4096))
    (local.set $end (i32.add (i32.const 4096) (local.get $length)))
    (loop $blocks
      (local.set $marks (i64.const 0))
      (local.set $lines (i64.const 0))
      (local.set $bit (i64.const 0))
      (loop $quarters
        (local.set $bytes (v128.load (i32.add (local.get $at) (i32.wrap_i64 (local.get $bit)))))
        (local.set $breaks (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x0a))))
        (local.set $lines
          (i64.or
            (local.get $lines)
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (local.get $breaks))) (local.get $bit))))
        (local.set $marks
          (i64.or
            (local.get $marks)
            (i64.shl
              (i64.extend_i32_u
                (i8x16.bitmask (i8x16.eq (local.get $bytes) (i8x16.splat (local.get $separator)))))
              (local.get $bit))))
        (local.set $all (v128.or (local.get $all) (local.get $bytes)))
        (local.set $controls
          (v128.or
            (local.get $controls)
            (v128.or
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x0d)))
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0))))))
        (local.set $bit (i64.add (local.get $bit) (i64.const 16)))
        (br_if $quarters (i64.lt_u (local.get $bit) (i64.const 64))))
      (local.set $marks (i64.or (local.get $marks) (local.get $lines)))
      (block $none
        (br_if $none (i64.eqz (local.get $marks)))
        (loop $fields
          (local.set $bit (i64.ctz (local.get $marks)))
          (local.set $position (i32.add (local.get $at) (i32.wrap_i64 (local.get $bit))))
          (local.set $kind (i32.load8_u (local.get $column)))
          (if (local.get $kind)
            (then
              (if (i32.eqz (call $isPlain (local.get $kind) (local.get $fieldStart) (local.get $position)))
                (then (local.set $flags (i32.or (local.get $flags) (i32.const 2)))))))
          (local.set $column (i32.add (local.get $column) (i32.const 1)))
          (local.set $fieldStart (i32.add (local.get $position) (i32.const 1)))
          (if (i32.wrap_i64 (i64.and (i64.shr_u (local.get $lines) (local.get $bit)) (i64.const 1)))
            (then
              (if (i32.ne (local.get $column) (local.get $fields))
                (then (local.set $flags (i32.or (local.get $flags) (i32.const 1)))))
              (local.set $rowLength (i32.sub (local.get $position) (local.get $rowStart)))
              (if (i32.gt_u (local.get $rowLength) (local.get $longest))
                (then (local.set $longest (local.get $rowLength))))
              (if (i32.eqz (local.get $rowLength))
                (then (local.set $flags (i32.or (local.get $flags) (i32.const 16)))))
              (i32.store offset=81920
                (i32.shl (local.get $rows) (i32.const 2))
                (i32.add (i32.sub (local.get $rowStart) (i32.const 4096)) (local.get $base)))
              (i32.store offset=344064 (i32.shl (local.get $rows) (i32.const 2)) (local.get $rowLength))
              (local.set $rows (i32.add (local.get $rows) (i32.const 1)))
              (local.set $rowStart (local.get $fieldStart))
              (local.set $column (i32.const 0))))
          (local.set $marks
            (i64.and (local.get $marks) (i64.sub (local.get $marks) (i64.const 1))))
          (br_if $fields (i64.ne (local.get $marks) (i64.const 0)))))
      (local.set $at (i32.add (local.get $at) (i32.const 64)))
      (br_if $blocks (i32.lt_u (local.get $at) (local.get $end))))
    (if (v128.any_true (local.get $controls))
      (then (local.set $flags (i32.or (local.get $flags) (i32.const 4)))))
    (if (i8x16.bitmask (local.get $all))
      (then (local.set $flags (i32.or (local.get $flags) (i32.const 8)))))
    (global.set $consumed (i32.sub (local.get $rowStart) (i32.const 4096)))
    (global.set $longest (local.get $longest))
    (global.set $flags (local.get $flags))
    (local.get $rows)))
