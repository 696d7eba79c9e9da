// Test support: a small TPC-DS database as DuckDB SQL. Everything follows from a seed. Columns have few
// values and facts hang together (returns follow their sales, the same people buy in all channels), so that
// each of the 99 queries finds rows. SOURCE of names and types: the TPC-DS specification.

/** One table: `name type` of each column with the SQL of its value, over rows numbered `i`. */
export interface TpcdsTable {
  readonly name: string;
  readonly columns: readonly (readonly [name: string, type: TpcdsColumnType, sql: string])[];
  readonly from: string;
}

type Column = TpcdsTable['columns'][number];

export type TpcdsColumnType = 'int' | 'text' | 'date' | 'money';

const SEED = 20260101;

/** A whole number in [0, below) that depends on the row and the tag. (Hashes of several values share low bits.) */
const n = (tag: string, below: number, row = 'i'): string =>
  `CAST(hash(concat(${row}, '${tag}', ${SEED})) % ${below} AS INTEGER)`;
const pick = (tag: string, values: readonly (string | number)[], row = 'i'): string =>
  `[${values.map((v) => (typeof v === 'number' ? v : `'${v}'`)).join(', ')}][1 + ${n(tag, values.length, row)}]`;
/** An amount in [low, high] with two places. */
const money = (tag: string, low: number, high: number): string =>
  `CAST(${low} + ${n(tag, (high - low) * 100 + 1)} / 100.0 AS DECIMAL(7, 2))`;
/** NULL for one row in `every`. */
const sometimesNull = (tag: string, every: number, sql: string): string =>
  `CASE WHEN ${n(`null ${tag}`, every)} > 0 THEN ${sql} END`;
/** The surrogate key of a row: 1, 2, ... */
const KEY = 'CAST(i + 1 AS INTEGER)';
const id = (prefix: string): string => `'${prefix}' || lpad(CAST(i + 1 AS VARCHAR), 14, '0')`;

export const COUNTIES = [
  'Mobile County',
  'Maverick County',
  'Daviess County',
  'Ziebach County',
  'Bronx County',
  'Luce County',
];
const STATES = ['TX', 'CA', 'GA', 'OH', 'WA'];
const CITIES = ['Midway', 'Fairview', 'Oakland', 'Union'];
const ZIPS = ['30411', '48012', '52220', '60991', '71023', '85005'];
const CATEGORIES = ['Books', 'Home', 'Music', 'Sports', 'Women'];
const CLASSES = ['classical', 'fitness', 'pants', 'travel'];
const BRANDS = [
  'amalgimporto #1',
  'exportiunivamalg #9',
  'importoamalg #1',
  'scholaramalgamalg #7',
];
const COLORS = ['cyan', 'orchid', 'papaya', 'peru', 'white'];
const STREETS = ['Oak', 'Main', 'Hill', 'Lake'];

/** Days of the calendar: 2017-12-01 to 2023-03-31; a day's key is its Julian number, as in TPC-DS. */
const FIRST_DAY = "DATE '2017-12-01'";
const DAYS = 1947;
const dayKey = (date: string): string => `CAST(julian(${date}) AS INTEGER)`;
const day = `(${FIRST_DAY} + CAST(i AS INTEGER))`;
const address = (p: string): TpcdsTable['columns'] => [
  [`${p}_street_number`, 'text', `CAST(${n('number', 900)} + 1 AS VARCHAR)`],
  [`${p}_street_name`, 'text', pick('street', STREETS)],
  [`${p}_street_type`, 'text', pick('street type', ['Ave', 'Road', 'Way'])],
  [`${p}_suite_number`, 'text', `'Suite ' || ${n('suite', 40)}`],
  [`${p}_city`, 'text', pick('city', CITIES)],
  [`${p}_county`, 'text', pick('county', COUNTIES)],
  [`${p}_state`, 'text', pick('state', STATES)],
  [`${p}_zip`, 'text', pick('zip', ZIPS)],
  [`${p}_country`, 'text', `'United States'`],
  [`${p}_gmt_offset`, 'money', `CAST(${pick('offset', [-5, -5, -6])} AS DECIMAL(7, 2))`],
];

/** Quantity and prices of a sale, and what the specification derives from them. */
function saleAmounts(p: string, row: string, hasShip: boolean): TpcdsTable['columns'] {
  const quantity = `(1 + ${n(`${p} quantity`, 100, row)})`;
  const wholesale = `(1 + ${n(`${p} wholesale`, 9900, row)} / 100.0)`;
  const list = `(${wholesale} * (100 + ${n(`${p} markup`, 100, row)}) / 100)`;
  const price = `(${list} * (20 + ${n(`${p} discount`, 80, row)}) / 100)`;
  const coupon = `(CASE WHEN ${n(`${p} coupon`, 3, row)} = 0 THEN ${price} * ${quantity} * 0.3 ELSE 0 END)`;
  const paid = `(${price} * ${quantity} - ${coupon})`;
  const cents = (sql: string): string => `CAST(${sql} AS DECIMAL(7, 2))`;
  const columns: [string, TpcdsColumnType, string][] = [
    [`${p}_quantity`, 'int', quantity],
    [`${p}_wholesale_cost`, 'money', cents(wholesale)],
    [`${p}_list_price`, 'money', cents(list)],
    [`${p}_sales_price`, 'money', cents(price)],
    [`${p}_ext_discount_amt`, 'money', cents(`(${list} - ${price}) * ${quantity}`)],
    [`${p}_ext_sales_price`, 'money', cents(`${price} * ${quantity}`)],
    [`${p}_ext_wholesale_cost`, 'money', cents(`${wholesale} * ${quantity}`)],
    [`${p}_ext_list_price`, 'money', cents(`${list} * ${quantity}`)],
    [`${p}_ext_tax`, 'money', cents(`${paid} * 0.05`)],
    [`${p}_coupon_amt`, 'money', cents(coupon)],
  ];
  if (hasShip) columns.push([`${p}_ext_ship_cost`, 'money', cents(`${list} * ${quantity} * 0.1`)]);
  columns.push([`${p}_net_paid`, 'money', cents(paid)]);
  columns.push([`${p}_net_paid_inc_tax`, 'money', cents(`${paid} * 1.05`)]);
  if (hasShip) {
    columns.push([`${p}_net_paid_inc_ship`, 'money', cents(`${paid} + ${list}`)]);
    columns.push([`${p}_net_paid_inc_ship_tax`, 'money', cents(`${paid} * 1.05 + ${list}`)]);
  }
  columns.push([`${p}_net_profit`, 'money', cents(`${paid} - ${wholesale} * ${quantity} * 0.6`)]);
  return columns;
}

/** Amounts of a return of a sale whose columns are in scope as `s`. */
function returnAmounts(
  p: string,
  s: string,
  amount: string,
  credit: string,
): TpcdsTable['columns'] {
  const back = `(${s}_sales_price * ${s}_quantity)`;
  const cents = (sql: string): string => `CAST(${sql} AS DECIMAL(7, 2))`;
  return [
    [`${p}_return_quantity`, 'int', `${s}_quantity`],
    [`${p}_${amount}`, 'money', cents(back)],
    [`${p}_return_tax`, 'money', cents(`${back} * 0.05`)],
    [`${p}_return_amt_inc_tax`, 'money', cents(`${back} * 1.05`)],
    [`${p}_fee`, 'money', money(`${p} fee`, 0, 100)],
    [`${p}_return_ship_cost`, 'money', money(`${p} ship`, 0, 200)],
    [`${p}_refunded_cash`, 'money', cents(`${back} * 0.5`)],
    [`${p}_reversed_charge`, 'money', cents(`${back} * 0.3`)],
    [`${p}_${credit}`, 'money', cents(`${back} * 0.2`)],
    [`${p}_net_loss`, 'money', money(`${p} loss`, 1, 600)],
  ];
}

const key = (name: string, tag: string, count: number): Column => [
  name,
  'int',
  `1 + ${n(tag, count)}`,
];

/** Where a sale's buyer comes from: half of the rows repeat the buyer and item of an earlier channel. */
const STORE_SALES = 16_000;
const CATALOG_SALES = 9000;
const WEB_SALES = 7000;
const ITEMS = 90;
const CUSTOMERS = 160;
const ADDRESSES = 70;
const DEMOGRAPHICS = 64;
const HOUSEHOLDS = 240;

export const TPCDS_TABLES: readonly TpcdsTable[] = [
  {
    name: 'date_dim',
    from: `range(${DAYS}) t(i)`,
    columns: [
      ['d_date_sk', 'int', dayKey(day)],
      ['d_date_id', 'text', id('D')],
      ['d_date', 'date', day],
      ['d_month_seq', 'int', `(year(${day}) - 1900) * 12 + month(${day}) - 1`],
      ['d_week_seq', 'int', `CAST(${dayKey(day)} // 7 AS INTEGER)`],
      ['d_quarter_seq', 'int', `(year(${day}) - 1900) * 4 + quarter(${day}) - 1`],
      ['d_year', 'int', `year(${day})`],
      ['d_dow', 'int', `dayofweek(${day})`],
      ['d_moy', 'int', `month(${day})`],
      ['d_dom', 'int', `day(${day})`],
      ['d_qoy', 'int', `quarter(${day})`],
      ['d_fy_year', 'int', `year(${day})`],
      ['d_fy_quarter_seq', 'int', `(year(${day}) - 1900) * 4 + quarter(${day}) - 1`],
      ['d_fy_week_seq', 'int', `CAST(${dayKey(day)} // 7 AS INTEGER)`],
      ['d_day_name', 'text', `dayname(${day})`],
      ['d_quarter_name', 'text', `year(${day}) || 'Q' || quarter(${day})`],
      ['d_holiday', 'text', `'N'`],
      ['d_weekend', 'text', `CASE WHEN dayofweek(${day}) IN (0, 6) THEN 'Y' ELSE 'N' END`],
      ['d_following_holiday', 'text', `'N'`],
      ['d_first_dom', 'int', dayKey(`date_trunc('month', ${day})`)],
      ['d_last_dom', 'int', dayKey(`last_day(${day})`)],
      ['d_same_day_ly', 'int', dayKey(`${day} - 365`)],
      ['d_same_day_lq', 'int', dayKey(`${day} - 91`)],
      ['d_current_day', 'text', `'N'`],
      ['d_current_week', 'text', `'N'`],
      ['d_current_month', 'text', `'N'`],
      ['d_current_quarter', 'text', `'N'`],
      ['d_current_year', 'text', `'N'`],
    ],
  },
  {
    name: 'time_dim',
    from: 'range(1440) t(i)',
    columns: [
      ['t_time_sk', 'int', 'CAST(i AS INTEGER)'],
      ['t_time_id', 'text', id('T')],
      ['t_time', 'int', 'CAST(i * 60 AS INTEGER)'],
      ['t_hour', 'int', 'CAST(i // 60 AS INTEGER)'],
      ['t_minute', 'int', 'CAST(i % 60 AS INTEGER)'],
      ['t_second', 'int', 'CAST(0 AS INTEGER)'],
      ['t_am_pm', 'text', `CASE WHEN i < 720 THEN 'AM' ELSE 'PM' END`],
      ['t_shift', 'text', `['third', 'first', 'second'][1 + i // 480]`],
      ['t_sub_shift', 'text', `['night', 'morning', 'afternoon', 'evening'][1 + i // 360]`],
      [
        't_meal_time',
        'text',
        `CASE i // 60 WHEN 7 THEN 'breakfast' WHEN 8 THEN 'breakfast' WHEN 12 THEN 'lunch' WHEN 18 THEN 'dinner' WHEN 19 THEN 'dinner' END`,
      ],
    ],
  },
  {
    name: 'item',
    from: `range(${ITEMS}) t(i)`,
    columns: [
      ['i_item_sk', 'int', KEY],
      ['i_item_id', 'text', `'I' || lpad(CAST(i // 2 + 1 AS VARCHAR), 14, '0')`],
      ['i_rec_start_date', 'date', `DATE '2017-01-01'`],
      ['i_rec_end_date', 'date', 'CAST(NULL AS DATE)'],
      ['i_item_desc', 'text', sometimesNull('desc', 12, `'An item of lot ' || ${n('lot', 40)}`)],
      [
        'i_current_price',
        'money',
        `CASE WHEN i % 9 = 0 THEN CAST(1.25 AS DECIMAL(7, 2)) ELSE ${money('price', 5, 100)} END`,
      ],
      ['i_wholesale_cost', 'money', money('cost', 1, 60)],
      ['i_brand_id', 'int', `1001 + CAST(i % 4 AS INTEGER)`],
      ['i_brand', 'text', `[${BRANDS.map((b) => `'${b}'`).join(', ')}][1 + i % 4]`],
      ['i_class_id', 'int', `1 + ${n('class', 4)}`],
      ['i_class', 'text', pick('class', CLASSES)],
      ['i_category_id', 'int', `1 + CAST(i % 5 AS INTEGER)`],
      ['i_category', 'text', `[${CATEGORIES.map((c) => `'${c}'`).join(', ')}][1 + i % 5]`],
      ['i_manufact_id', 'int', `1 + ${n('manufact', 8)}`],
      [
        'i_manufact',
        'text',
        pick('manufact', ['able', 'bar', 'cally', 'eing', 'ese', 'n st', 'ought', 'pri']),
      ],
      ['i_size', 'text', pick('size', ['large', 'medium', 'small'])],
      ['i_formulation', 'text', `'F' || i`],
      ['i_color', 'text', pick('color', COLORS)],
      ['i_units', 'text', pick('units', ['Box', 'Dozen', 'Each', 'Oz'])],
      ['i_container', 'text', `'Unknown'`],
      ['i_manager_id', 'int', `1 + ${n('manager', 4)}`],
      ['i_product_name', 'text', `'product ' || (i % 30)`],
    ],
  },
  {
    name: 'customer_address',
    from: `range(${ADDRESSES}) t(i)`,
    columns: [
      ['ca_address_sk', 'int', KEY],
      ['ca_address_id', 'text', id('A')],
      // One address in three lies where half of the stores are.
      ...address('ca').map(([name, type, sql]): Column => {
        if (name === 'ca_county')
          return [name, type, `CASE WHEN i % 3 = 0 THEN '${COUNTIES[0]}' ELSE ${sql} END`];
        return [
          name,
          type,
          name === 'ca_state' ? `CASE WHEN i % 3 = 0 THEN 'TX' ELSE ${sql} END` : sql,
        ];
      }),
      ['ca_location_type', 'text', pick('location', ['apartment', 'condo', 'single family'])],
    ],
  },
  {
    name: 'customer_demographics',
    from: `range(${DEMOGRAPHICS}) t(i)`,
    columns: [
      ['cd_demo_sk', 'int', KEY],
      ['cd_gender', 'text', `['F', 'M'][1 + i % 2]`],
      ['cd_marital_status', 'text', `['D', 'M', 'S', 'W'][1 + (i // 2) % 4]`],
      [
        'cd_education_status',
        'text',
        `['Advanced Degree', 'College', 'Primary', 'Secondary'][1 + (i // 8) % 4]`,
      ],
      ['cd_purchase_estimate', 'int', `500 * (1 + ${n('estimate', 3)})`],
      ['cd_credit_rating', 'text', pick('rating', ['Good', 'High Risk'])],
      ['cd_dep_count', 'int', `CAST(i % 3 AS INTEGER)`],
      ['cd_dep_employed_count', 'int', `CAST(i % 2 AS INTEGER)`],
      ['cd_dep_college_count', 'int', `CAST(i % 2 AS INTEGER)`],
    ],
  },
  {
    name: 'income_band',
    from: 'range(5) t(i)',
    columns: [
      ['ib_income_band_sk', 'int', KEY],
      ['ib_lower_bound', 'int', 'CAST(i * 20000 + 1 AS INTEGER)'],
      ['ib_upper_bound', 'int', 'CAST((i + 1) * 20000 AS INTEGER)'],
    ],
  },
  {
    name: 'household_demographics',
    from: `range(${HOUSEHOLDS}) t(i)`,
    columns: [
      ['hd_demo_sk', 'int', KEY],
      ['hd_income_band_sk', 'int', `1 + ${n('band', 5)}`],
      ['hd_buy_potential', 'text', `['>10000', '501-1000', '0-500', 'Unknown'][1 + i % 4]`],
      ['hd_dep_count', 'int', `CAST((i // 4) % 5 AS INTEGER)`],
      ['hd_vehicle_count', 'int', `CAST((i // 20) % 4 AS INTEGER)`],
    ],
  },
  {
    name: 'customer',
    from: `range(${CUSTOMERS}) t(i)`,
    columns: [
      ['c_customer_sk', 'int', KEY],
      ['c_customer_id', 'text', id('C')],
      key('c_current_cdemo_sk', 'cdemo', DEMOGRAPHICS),
      key('c_current_hdemo_sk', 'hdemo', HOUSEHOLDS),
      key('c_current_addr_sk', 'addr', ADDRESSES),
      ['c_first_shipto_date_sk', 'int', dayKey(`DATE '2018-02-01' + ${n('shipto', 300)}`)],
      ['c_first_sales_date_sk', 'int', dayKey(`DATE '2018-01-01' + ${n('first', 300)}`)],
      ['c_salutation', 'text', pick('salutation', ['Dr.', 'Miss', 'Mr.', 'Mrs.'])],
      [
        'c_first_name',
        'text',
        sometimesNull(
          'first name',
          20,
          pick('first name', ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve', 'Finn']),
        ),
      ],
      [
        'c_last_name',
        'text',
        sometimesNull(
          'last name',
          20,
          pick('last name', ['Adams', 'Baker', 'Clark', 'Davis', 'Evans']),
        ),
      ],
      ['c_preferred_cust_flag', 'text', pick('preferred', ['Y', 'Y', 'N'])],
      ['c_birth_day', 'int', `1 + ${n('birth day', 28)}`],
      ['c_birth_month', 'int', `1 + ${n('birth month', 12)}`],
      ['c_birth_year', 'int', `1940 + ${n('birth year', 60)}`],
      [
        'c_birth_country',
        'text',
        pick('birth country', ['CHILE', 'GHANA', 'JAPAN', 'UNITED STATES']),
      ],
      ['c_login', 'text', `CAST(NULL AS VARCHAR)`],
      ['c_email_address', 'text', `'c' || i || '@example.com'`],
      ['c_last_review_date_sk', 'int', dayKey(`DATE '2022-01-01' + ${n('review', 300)}`)],
    ],
  },
  {
    name: 'store',
    from: 'range(6) t(i)',
    columns: [
      ['s_store_sk', 'int', KEY],
      ['s_store_id', 'text', id('S')],
      ['s_rec_start_date', 'date', `DATE '2017-01-01'`],
      ['s_rec_end_date', 'date', 'CAST(NULL AS DATE)'],
      ['s_closed_date_sk', 'int', 'CAST(NULL AS INTEGER)'],
      ['s_store_name', 'text', `['able', 'ese', 'ought'][1 + i % 3]`],
      ['s_number_employees', 'int', `200 + ${n('employees', 100)}`],
      ['s_floor_space', 'int', `5000000 + ${n('floor', 1000)}`],
      ['s_hours', 'text', `'8AM-8PM'`],
      ['s_manager', 'text', `'Manager ' || i`],
      ['s_market_id', 'int', `1 + CAST(i % 2 AS INTEGER)`],
      ['s_geography_class', 'text', `'Unknown'`],
      ['s_market_desc', 'text', `'Market ' || i`],
      ['s_market_manager', 'text', `'Market manager ' || i`],
      ['s_division_id', 'int', '1'],
      ['s_division_name', 'text', `'Unknown'`],
      ['s_company_id', 'int', '1'],
      ['s_company_name', 'text', `'Unknown'`],
      ...address('s').map(
        ([name, type, sql]): Column =>
          name === 's_state'
            ? [name, type, `['TX', 'CA'][1 + i % 2]`]
            : name === 's_county'
              ? [name, type, `['${COUNTIES[0]}', '${COUNTIES[1]}'][1 + i % 2]`]
              : name === 's_city'
                ? [name, type, `['Midway', 'Fairview'][1 + i % 2]`]
                : [name, type, sql],
      ),
      ['s_tax_percentage', 'money', 'CAST(0.05 AS DECIMAL(7, 2))'],
    ],
  },
  {
    name: 'call_center',
    from: 'range(3) t(i)',
    columns: [
      ['cc_call_center_sk', 'int', KEY],
      ['cc_call_center_id', 'text', id('K')],
      ['cc_rec_start_date', 'date', `DATE '2017-01-01'`],
      ['cc_rec_end_date', 'date', 'CAST(NULL AS DATE)'],
      ['cc_closed_date_sk', 'int', 'CAST(NULL AS INTEGER)'],
      ['cc_open_date_sk', 'int', dayKey(`DATE '2017-06-01'`)],
      ['cc_name', 'text', `'Center ' || i`],
      ['cc_class', 'text', `'medium'`],
      ['cc_employees', 'int', `10 + ${n('cc employees', 90)}`],
      ['cc_sq_ft', 'int', '1000'],
      ['cc_hours', 'text', `'8AM-4PM'`],
      ['cc_manager', 'text', `'Head ' || i`],
      ['cc_mkt_id', 'int', KEY],
      ['cc_mkt_class', 'text', `'Class'`],
      ['cc_mkt_desc', 'text', `'Desc'`],
      ['cc_market_manager', 'text', `'M' || i`],
      ['cc_division', 'int', '1'],
      ['cc_division_name', 'text', `'ought'`],
      ['cc_company', 'int', '1'],
      ['cc_company_name', 'text', `'pri'`],
      ...address('cc').map(
        ([name, type, sql]): Column =>
          name === 'cc_county' ? [name, type, `'${COUNTIES[0]}'`] : [name, type, sql],
      ),
      ['cc_tax_percentage', 'money', 'CAST(0.05 AS DECIMAL(7, 2))'],
    ],
  },
  {
    name: 'catalog_page',
    from: 'range(12) t(i)',
    columns: [
      ['cp_catalog_page_sk', 'int', KEY],
      ['cp_catalog_page_id', 'text', id('P')],
      ['cp_start_date_sk', 'int', dayKey(`DATE '2018-01-01'`)],
      ['cp_end_date_sk', 'int', dayKey(`DATE '2022-12-31'`)],
      ['cp_department', 'text', `'DEPARTMENT'`],
      ['cp_catalog_number', 'int', KEY],
      ['cp_catalog_page_number', 'int', KEY],
      ['cp_description', 'text', `'Page ' || i`],
      ['cp_type', 'text', `'monthly'`],
    ],
  },
  {
    name: 'web_site',
    from: 'range(3) t(i)',
    columns: [
      ['web_site_sk', 'int', KEY],
      ['web_site_id', 'text', id('W')],
      ['web_rec_start_date', 'date', `DATE '2017-01-01'`],
      ['web_rec_end_date', 'date', 'CAST(NULL AS DATE)'],
      ['web_name', 'text', `'site_' || i`],
      ['web_open_date_sk', 'int', dayKey(`DATE '2017-06-01'`)],
      ['web_close_date_sk', 'int', 'CAST(NULL AS INTEGER)'],
      ['web_class', 'text', `'Unknown'`],
      ['web_manager', 'text', `'Head ' || i`],
      ['web_mkt_id', 'int', KEY],
      ['web_mkt_class', 'text', `'Class'`],
      ['web_mkt_desc', 'text', `'Desc'`],
      ['web_market_manager', 'text', `'M' || i`],
      ['web_company_id', 'int', '1'],
      ['web_company_name', 'text', `['pri', 'ought'][1 + i % 2]`],
      ...address('web'),
      ['web_tax_percentage', 'money', 'CAST(0.05 AS DECIMAL(7, 2))'],
    ],
  },
  {
    name: 'web_page',
    from: 'range(6) t(i)',
    columns: [
      ['wp_web_page_sk', 'int', KEY],
      ['wp_web_page_id', 'text', id('G')],
      ['wp_rec_start_date', 'date', `DATE '2017-01-01'`],
      ['wp_rec_end_date', 'date', 'CAST(NULL AS DATE)'],
      ['wp_creation_date_sk', 'int', dayKey(`DATE '2017-06-01'`)],
      ['wp_access_date_sk', 'int', dayKey(`DATE '2018-01-01'`)],
      ['wp_autogen_flag', 'text', `'N'`],
      ['wp_customer_sk', 'int', 'CAST(NULL AS INTEGER)'],
      ['wp_url', 'text', `'http://www.example.com'`],
      ['wp_type', 'text', `'order'`],
      ['wp_char_count', 'int', `5000 + ${n('chars', 300)}`],
      ['wp_link_count', 'int', '10'],
      ['wp_image_count', 'int', '3'],
      ['wp_max_ad_count', 'int', '1'],
    ],
  },
  {
    name: 'warehouse',
    from: 'range(3) t(i)',
    columns: [
      ['w_warehouse_sk', 'int', KEY],
      ['w_warehouse_id', 'text', id('H')],
      ['w_warehouse_name', 'text', `'The warehouse number ' || i || ' of a long name'`],
      ['w_warehouse_sq_ft', 'int', `100000 + ${n('sq ft', 900)}`],
      ...address('w'),
    ],
  },
  {
    name: 'promotion',
    from: 'range(8) t(i)',
    columns: [
      ['p_promo_sk', 'int', KEY],
      ['p_promo_id', 'text', id('O')],
      ['p_start_date_sk', 'int', dayKey(`DATE '2018-01-01'`)],
      ['p_end_date_sk', 'int', dayKey(`DATE '2022-12-31'`)],
      key('p_item_sk', 'promo item', ITEMS),
      ['p_cost', 'money', money('promo cost', 1, 1000)],
      ['p_response_target', 'int', '1'],
      ['p_promo_name', 'text', `'promo ' || i`],
      ['p_channel_dmail', 'text', `['Y', 'N'][1 + i % 2]`],
      ['p_channel_email', 'text', `'N'`],
      ['p_channel_catalog', 'text', `'N'`],
      ['p_channel_tv', 'text', `'N'`],
      ['p_channel_radio', 'text', `'N'`],
      ['p_channel_press', 'text', `'N'`],
      ['p_channel_event', 'text', `['Y', 'N'][1 + i % 2]`],
      ['p_channel_demo', 'text', `'N'`],
      ['p_channel_details', 'text', `'Details ' || i`],
      ['p_purpose', 'text', `'Unknown'`],
      ['p_discount_active', 'text', `'N'`],
    ],
  },
  {
    name: 'reason',
    from: 'range(4) t(i)',
    columns: [
      ['r_reason_sk', 'int', KEY],
      ['r_reason_id', 'text', id('R')],
      ['r_reason_desc', 'text', `'reason ' || (i + 1)`],
    ],
  },
  {
    name: 'ship_mode',
    from: 'range(4) t(i)',
    columns: [
      ['sm_ship_mode_sk', 'int', KEY],
      ['sm_ship_mode_id', 'text', id('M')],
      ['sm_type', 'text', `['EXPRESS', 'NEXT DAY', 'OVERNIGHT', 'REGULAR'][1 + i]`],
      ['sm_code', 'text', `['AIR', 'SEA'][1 + i % 2]`],
      ['sm_carrier', 'text', `['DHL', 'ZHOU'][1 + i % 2]`],
      ['sm_contract', 'text', `'contract ' || i`],
    ],
  },
  {
    name: 'inventory',
    from: `range(130) w(i2), range(${ITEMS}) p(p), range(3) h(h), (SELECT 0 AS z) z, LATERAL (SELECT i2 * 1000 + p * 3 + h AS i) t`,
    columns: [
      ['inv_date_sk', 'int', dayKey(`DATE '2019-12-29' + CAST(i2 * 7 AS INTEGER)`)],
      ['inv_item_sk', 'int', 'CAST(p + 1 AS INTEGER)'],
      ['inv_warehouse_sk', 'int', 'CAST(h + 1 AS INTEGER)'],
      [
        'inv_quantity_on_hand',
        'int',
        sometimesNull(
          'on hand',
          50,
          `CASE WHEN p % 3 = 0 THEN ${n('on hand', 1000)} * ${n('on hand much', 2)} ELSE ${n('on hand', 600)} END`,
        ),
      ],
    ],
  },
  {
    name: 'store_sales',
    from: `range(${STORE_SALES}) r(r), LATERAL (SELECT r AS i, ${n('ticket', STORE_SALES / 8, 'r')} AS ticket) t`,
    columns: [
      ['ss_sold_date_sk', 'int', dayKey(saleDayOf('ss', 'ticket'))],
      ['ss_sold_time_sk', 'int', n('ss time', 1440, 'ticket')],
      ['ss_item_sk', 'int', `1 + ${n('ss item', ITEMS)}`],
      [
        'ss_customer_sk',
        'int',
        sometimesNull('ss customer', 40, `1 + ${n('ss customer', CUSTOMERS, 'ticket')}`),
      ],
      [
        'ss_cdemo_sk',
        'int',
        sometimesNull('ss cdemo', 30, `1 + ${n('ss cdemo', DEMOGRAPHICS, 'ticket')}`),
      ],
      [
        'ss_hdemo_sk',
        'int',
        sometimesNull('ss hdemo', 60, `1 + ${n('ss hdemo', HOUSEHOLDS, 'ticket')}`),
      ],
      [
        'ss_addr_sk',
        'int',
        sometimesNull('ss addr', 30, `1 + ${n('ss addr', ADDRESSES, 'ticket')}`),
      ],
      ['ss_store_sk', 'int', sometimesNull('ss store', 30, `1 + ${n('ss store', 6, 'ticket')}`)],
      ['ss_promo_sk', 'int', sometimesNull('ss promo', 10, `1 + ${n('ss promo', 8)}`)],
      ['ss_ticket_number', 'int', 'CAST(ticket + 1 AS INTEGER)'],
      ...saleAmounts('ss', 'i', false),
    ],
  },
  {
    name: 'store_returns',
    from: `(SELECT *, ss_ticket_number * 1000 + ss_item_sk AS i FROM store_sales WHERE hash(concat(ss_ticket_number, ss_item_sk, ${SEED})) % 4 = 0) s`,
    columns: [
      ['sr_returned_date_sk', 'int', `ss_sold_date_sk + 1 + ${n('sr days', 100)}`],
      ['sr_return_time_sk', 'int', n('sr time', 1440)],
      ['sr_item_sk', 'int', 'ss_item_sk'],
      ['sr_customer_sk', 'int', 'ss_customer_sk'],
      ['sr_cdemo_sk', 'int', 'ss_cdemo_sk'],
      ['sr_hdemo_sk', 'int', 'ss_hdemo_sk'],
      ['sr_addr_sk', 'int', 'ss_addr_sk'],
      ['sr_store_sk', 'int', 'ss_store_sk'],
      ['sr_reason_sk', 'int', `1 + ${n('sr reason', 4)}`],
      ['sr_ticket_number', 'int', 'ss_ticket_number'],
      ...returnAmounts('sr', 'ss', 'return_amt', 'store_credit'),
    ],
  },
  salesByPost('catalog_sales', 'cs', CATALOG_SALES),
  {
    name: 'catalog_returns',
    from: `(SELECT *, cs_order_number * 1000 + cs_item_sk AS i FROM catalog_sales WHERE hash(concat(cs_order_number, cs_item_sk, ${SEED})) % 4 = 0) s`,
    columns: [
      ['cr_returned_date_sk', 'int', `cs_sold_date_sk + 1 + ${n('cr days', 100)}`],
      ['cr_returned_time_sk', 'int', n('cr time', 1440)],
      ['cr_item_sk', 'int', 'cs_item_sk'],
      ['cr_refunded_customer_sk', 'int', 'cs_bill_customer_sk'],
      ['cr_refunded_cdemo_sk', 'int', 'cs_bill_cdemo_sk'],
      ['cr_refunded_hdemo_sk', 'int', 'cs_bill_hdemo_sk'],
      ['cr_refunded_addr_sk', 'int', 'cs_bill_addr_sk'],
      ['cr_returning_customer_sk', 'int', 'cs_ship_customer_sk'],
      ['cr_returning_cdemo_sk', 'int', 'cs_ship_cdemo_sk'],
      ['cr_returning_hdemo_sk', 'int', 'cs_ship_hdemo_sk'],
      ['cr_returning_addr_sk', 'int', 'cs_ship_addr_sk'],
      ['cr_call_center_sk', 'int', 'cs_call_center_sk'],
      ['cr_catalog_page_sk', 'int', 'cs_catalog_page_sk'],
      ['cr_ship_mode_sk', 'int', 'cs_ship_mode_sk'],
      ['cr_warehouse_sk', 'int', 'cs_warehouse_sk'],
      ['cr_reason_sk', 'int', `1 + ${n('cr reason', 4)}`],
      ['cr_order_number', 'int', 'cs_order_number'],
      ...returnAmounts('cr', 'cs', 'return_amount', 'store_credit'),
    ],
  },
  salesByPost('web_sales', 'ws', WEB_SALES),
  {
    name: 'web_returns',
    from: `(SELECT *, ws_order_number * 1000 + ws_item_sk AS i FROM web_sales WHERE hash(concat(ws_order_number, ws_item_sk, ${SEED})) % 4 = 0) s`,
    columns: [
      ['wr_returned_date_sk', 'int', `ws_sold_date_sk + 1 + ${n('wr days', 100)}`],
      ['wr_returned_time_sk', 'int', n('wr time', 1440)],
      ['wr_item_sk', 'int', 'ws_item_sk'],
      ['wr_refunded_customer_sk', 'int', 'ws_bill_customer_sk'],
      ['wr_refunded_cdemo_sk', 'int', 'ws_bill_cdemo_sk'],
      ['wr_refunded_hdemo_sk', 'int', 'ws_bill_hdemo_sk'],
      ['wr_refunded_addr_sk', 'int', 'ws_bill_addr_sk'],
      ['wr_returning_customer_sk', 'int', 'ws_ship_customer_sk'],
      ['wr_returning_cdemo_sk', 'int', 'ws_bill_cdemo_sk'],
      ['wr_returning_hdemo_sk', 'int', 'ws_ship_hdemo_sk'],
      ['wr_returning_addr_sk', 'int', 'ws_ship_addr_sk'],
      ['wr_web_page_sk', 'int', 'ws_web_page_sk'],
      ['wr_reason_sk', 'int', `1 + ${n('wr reason', 4)}`],
      ['wr_order_number', 'int', 'ws_order_number'],
      ...returnAmounts('wr', 'ws', 'return_amt', 'account_credit'),
    ],
  },
];

/** A sale's day of one ticket or order. */
function saleDayOf(tag: string, row: string): string {
  const part = (what: string, below: number): string => n(`${tag} ${what}`, below, row);
  return `make_date(2018 + ${part('year', 5)}, 1 + ${part('month', 12)}, ${pick(`${tag} day`, [1, 2, 10, 20, 25], row)} + ${part('offset', 3)})`;
}

/**
 * Sales of the catalog and the web: of every second line the buyer and the item are those of a returned store
 * sale, bought again within three months, for the queries that follow a buyer through the channels.
 */
function salesByPost(name: string, p: 'cs' | 'ws', rows: number): TpcdsTable {
  const web = p === 'ws';
  const own = (tag: string, count: number): string => `1 + ${n(`${p} ${tag}`, count, 'number')}`;
  const again = (theirs: string, mine: string): string =>
    `CASE WHEN again = 1 THEN ${theirs} ELSE ${mine} END`;
  const sold = again(
    `sr_returned_date_sk + ${n(`${p} again`, 85)}`,
    dayKey(saleDayOf(p, 'number')),
  );
  const common: [string, TpcdsColumnType, string][] = [
    [`${p}_sold_date_sk`, 'int', sold],
    [`${p}_sold_time_sk`, 'int', n(`${p} time`, 1440, 'number')],
    [`${p}_ship_date_sk`, 'int', `${sold} + 1 + ${n(`${p} ship`, 130)}`],
    [`${p}_item_sk`, 'int', again('sr_item_sk', `1 + ${n(`${p} item`, ITEMS)}`)],
    [
      `${p}_bill_customer_sk`,
      'int',
      sometimesNull(`${p} bill`, 40, again('sr_customer_sk', own('customer', CUSTOMERS))),
    ],
    [`${p}_bill_cdemo_sk`, 'int', own('cdemo', DEMOGRAPHICS)],
    [`${p}_bill_hdemo_sk`, 'int', own('hdemo', HOUSEHOLDS)],
    [`${p}_bill_addr_sk`, 'int', sometimesNull(`${p} addr`, 30, own('addr', ADDRESSES))],
    [
      `${p}_ship_customer_sk`,
      'int',
      sometimesNull(`${p} shipped`, 30, again('sr_customer_sk', own('customer', CUSTOMERS))),
    ],
    [`${p}_ship_cdemo_sk`, 'int', own('ship cdemo', DEMOGRAPHICS)],
    [
      `${p}_ship_hdemo_sk`,
      'int',
      sometimesNull(`${p} ship hdemo`, 30, own('ship hdemo', HOUSEHOLDS)),
    ],
    [`${p}_ship_addr_sk`, 'int', sometimesNull(`${p} to`, 30, own('ship addr', ADDRESSES))],
    [`${p}_ship_mode_sk`, 'int', own('mode', 4)],
    [
      `${p}_warehouse_sk`,
      'int',
      sometimesNull(`${p} warehouse`, 30, `1 + ${n(`${p} warehouse`, 3)}`),
    ],
    [`${p}_promo_sk`, 'int', sometimesNull(`${p} promo`, 10, own('promo', 8))],
    [`${p}_order_number`, 'int', 'CAST(number + 1 AS INTEGER)'],
    ...(web
      ? ([
          [`ws_web_page_sk`, 'int', own('page', 6)],
          [`ws_web_site_sk`, 'int', sometimesNull('ws site', 30, own('site', 3))],
        ] satisfies [string, TpcdsColumnType, string][])
      : ([
          [`cs_call_center_sk`, 'int', sometimesNull('cs center', 30, own('center', 3))],
          [`cs_catalog_page_sk`, 'int', own('page', 12)],
        ] satisfies [string, TpcdsColumnType, string][])),
    ...(saleAmounts(p, 'i', true) as [string, TpcdsColumnType, string][]),
  ];
  const returned = `(SELECT row_number() OVER (ORDER BY sr_ticket_number, sr_item_sk) - 1 AS k, * FROM store_returns)`;
  return {
    name,
    from: `range(${rows}) r(r), LATERAL (SELECT r AS i, r // 4 AS number, (r // 4) % 2 AS again) t
      LEFT JOIN ${returned} s ON s.k = (i * ${web ? 7 : 3}) % (SELECT count(*) FROM store_returns)`,
    columns: common,
  };
}
