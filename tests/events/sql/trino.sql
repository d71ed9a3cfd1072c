-- path index
SELECT
  "t8"."customer_id",
  "t8"."ts",
  "t8"."event",
  "t8"."device",
  "t8"."touchpoint",
  "t8"."path_customer",
  "t8"."path_step",
  "t8"."path_code",
  "t8"."path_next",
  "t8"."path_gap",
  "t8"."path_lot"
FROM (
  SELECT
    "t7"."customer_id",
    "t7"."ts",
    "t7"."event",
    "t7"."device",
    "t7"."touchpoint",
    "t7"."path_code",
    "t7"."path_customer",
    "t7"."path_lot",
    CAST((
      ROW_NUMBER() OVER (
        PARTITION BY "t7"."path_customer"
        ORDER BY "t7"."ts" ASC, "t7"."event" ASC, "t7"."device" ASC
      ) - 1
    ) + 1 AS INTEGER) AS "path_step",
    LEAD("t7"."path_code") OVER (
      PARTITION BY "t7"."path_customer"
      ORDER BY "t7"."ts" ASC, "t7"."event" ASC, "t7"."device" ASC
    ) AS "path_next",
    CAST(ROUND(
      TO_UNIXTIME(
        LEAD("t7"."ts") OVER (
          PARTITION BY "t7"."path_customer"
          ORDER BY "t7"."ts" ASC, "t7"."event" ASC, "t7"."device" ASC
        )
      ) * CAST(1000000.0 AS DOUBLE),
      0
    ) AS BIGINT) - CAST(ROUND(TO_UNIXTIME("t7"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) AS "path_gap"
  FROM (
    SELECT
      "t6"."customer_id",
      "t6"."ts",
      "t6"."event",
      "t6"."device",
      "t3"."touchpoint",
      "t3"."path_code",
      "t4"."path_customer",
      "t4"."path_lot"
    FROM (
      SELECT
        "t0"."visitor" AS "customer_id",
        "t0"."time" AS "ts",
        "t0"."page" AS "event",
        "t0"."device"
      FROM "events" AS "t0"
    ) AS "t6"
    INNER JOIN "codes" AS "t3"
      ON "t6"."event" = "t3"."event"
    INNER JOIN "numbers" AS "t4"
      ON "t6"."customer_id" = "t4"."customer_id"
  ) AS "t7"
) AS "t8";

-- what has changed
SELECT
  COUNT(*) AS "rows",
  SUM("t2"."mark" % 1000003) AS "a",
  SUM("t2"."mark" % 998244353) AS "b",
  MAX("t2"."path_loaded") AS "until",
  SUM(CAST("t2"."path_loaded" IS NULL AS INTEGER)) AS "blank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      FROM_BIG_ENDIAN_64(
        XXHASH64(
          TO_UTF8(
            CONCAT(
              CONCAT(CONCAT(CONCAT('', ''), COALESCE("t0"."visitor", '')), ''),
              COALESCE(CAST("t0"."loaded" AS VARCHAR), '')
            )
          )
        )
      ) AS "mark",
      CAST(ROUND(TO_UNIXTIME("t0"."loaded") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) AS "path_loaded"
    FROM "events" AS "t0"
  ) AS "t1"
  WHERE
    "t1"."path_loaded" <= 1700000000000000
) AS "t2";

-- loaded since
SELECT
  *
FROM "events" AS "t0"
WHERE
  "t0"."loaded" >= CAST(FROM_ISO8601_TIMESTAMP('2023-11-13T22:13:20.000001') AS TIMESTAMP(6));

-- a log that has grown
SELECT
  *
FROM (
  SELECT
    "t2"."customer_id",
    "t2"."path_customer",
    "t2"."path_step"
  FROM "stored" AS "t2"
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM (
        SELECT
          "t0"."path_customer"
        FROM "stored_since" AS "t0"
        WHERE
          "t0"."path_step" = 1 AND "t0"."path_customer" < 1000
      ) AS "t5"
      WHERE
        "t2"."path_customer" = "t5"."path_customer"
    )
) AS "t6"
UNION ALL
SELECT
  *
FROM (
  SELECT
    *
  FROM "stored_since" AS "t0"
) AS "t3";

-- instants
SELECT
  CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) AS "m",
  CAST(FROM_UNIXTIME_NANOS(
    (
      CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) + 1
    ) * 1000
  ) AS TIMESTAMP(6)) AS "t"
FROM "log" AS "t0";

-- transitions
SELECT
  "t0"."touchpoint",
  "t0"."next",
  COUNT(*) AS "n",
  MAX("t0"."gap") AS "m"
FROM "log" AS "t0"
GROUP BY
  1,
  2;

-- times of transitions
SELECT
  "t1"."touchpoint",
  "t1"."next",
  SUM(
    IF(
      "t1"."nth" = CAST(FLOOR(CAST(0.5 AS DOUBLE) * (
        "t1"."of" - 1
      )) AS BIGINT),
      CAST("t1"."gap" AS DOUBLE) * (
        1 - (
          (
            CAST(0.5 AS DOUBLE) * (
              "t1"."of" - 1
            )
          ) - CAST(CAST(FLOOR(CAST(0.5 AS DOUBLE) * (
            "t1"."of" - 1
          )) AS BIGINT) AS DOUBLE)
        )
      ),
      IF(
        "t1"."nth" = (
          CAST(FLOOR(CAST(0.5 AS DOUBLE) * (
            "t1"."of" - 1
          )) AS BIGINT) + 1
        ),
        CAST("t1"."gap" AS DOUBLE) * (
          (
            CAST(0.5 AS DOUBLE) * (
              "t1"."of" - 1
            )
          ) - CAST(CAST(FLOOR(CAST(0.5 AS DOUBLE) * (
            "t1"."of" - 1
          )) AS BIGINT) AS DOUBLE)
        ),
        CAST(NULL AS DOUBLE)
      )
    )
  ) AS "half"
FROM (
  SELECT
    "t0"."customer",
    "t0"."step",
    "t0"."touchpoint",
    "t0"."next",
    "t0"."gap",
    "t0"."lot",
    "t0"."customer_id",
    "t0"."ts",
    "t0"."at:device",
    ROW_NUMBER() OVER (
      PARTITION BY "t0"."touchpoint", "t0"."next", "t0"."gap" IS NULL
      ORDER BY "t0"."gap" ASC
    ) - 1 AS "nth",
    COUNT("t0"."gap") OVER (
      PARTITION BY "t0"."touchpoint", "t0"."next", "t0"."gap" IS NULL
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS "of"
  FROM "log" AS "t0"
) AS "t1"
GROUP BY
  1,
  2;

-- random groups
SELECT
  CAST(CAST(FLOOR(CAST((
    CAST("t0"."lot" AS BIGINT) * 200
  ) AS DOUBLE) / (
    4096
  )) AS BIGINT) AS INTEGER) AS "g",
  CAST((
    (
      STRPOS(
        '0123456789abcdef',
        SUBSTR(
          LOWER(TO_HEX(MD5(TO_UTF8("t0"."customer_id")))),
          IF(
            (
              0 + 1
            ) >= 1,
            0 + 1,
            0 + 1 + LENGTH(LOWER(TO_HEX(MD5(TO_UTF8("t0"."customer_id")))))
          ),
          1
        )
      ) - 1
    ) * 256
  ) + (
    (
      STRPOS(
        '0123456789abcdef',
        SUBSTR(
          LOWER(TO_HEX(MD5(TO_UTF8("t0"."customer_id")))),
          IF(
            (
              1 + 1
            ) >= 1,
            1 + 1,
            1 + 1 + LENGTH(LOWER(TO_HEX(MD5(TO_UTF8("t0"."customer_id")))))
          ),
          1
        )
      ) - 1
    ) * 16
  ) + (
    STRPOS(
      '0123456789abcdef',
      SUBSTR(
        LOWER(TO_HEX(MD5(TO_UTF8("t0"."customer_id")))),
        IF(
          (
            2 + 1
          ) >= 1,
          2 + 1,
          2 + 1 + LENGTH(LOWER(TO_HEX(MD5(TO_UTF8("t0"."customer_id")))))
        ),
        1
      )
    ) - 1
  ) AS SMALLINT) AS "c"
FROM "log" AS "t0";

-- next steps
SELECT
  "t1"."customer",
  CAST("t1"."step" AS BIGINT) AS "step",
  "t1"."touchpoint",
  "t1"."at",
  MIN(IF("t1"."touchpoint" = 0, CAST("t1"."step" AS BIGINT), CAST(NULL AS BIGINT))) OVER (
    PARTITION BY "t1"."customer"
    ORDER BY "t1"."step" ASC
    ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
  ) AS "step_0",
  MIN(IF("t1"."touchpoint" = 0, "t1"."at", CAST(NULL AS BIGINT))) OVER (
    PARTITION BY "t1"."customer"
    ORDER BY "t1"."step" ASC
    ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
  ) AS "at_0",
  MIN(IF("t1"."touchpoint" = 1, CAST("t1"."step" AS BIGINT), CAST(NULL AS BIGINT))) OVER (
    PARTITION BY "t1"."customer"
    ORDER BY "t1"."step" ASC
    ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
  ) AS "step_1",
  MIN(IF("t1"."touchpoint" = 1, "t1"."at", CAST(NULL AS BIGINT))) OVER (
    PARTITION BY "t1"."customer"
    ORDER BY "t1"."step" ASC
    ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
  ) AS "at_1",
  CAST(NULL AS BIGINT) AS "stop"
FROM (
  SELECT
    "t0"."customer",
    "t0"."step",
    "t0"."touchpoint",
    CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) AS "at"
  FROM "log" AS "t0"
) AS "t1";

-- attempts
WITH "t2" AS (
  SELECT
    "t1"."customer",
    CAST("t1"."step" AS BIGINT) AS "step",
    "t1"."touchpoint",
    "t1"."at",
    MIN(IF("t1"."touchpoint" = 0, CAST("t1"."step" AS BIGINT), CAST(NULL AS BIGINT))) OVER (
      PARTITION BY "t1"."customer"
      ORDER BY "t1"."step" ASC
      ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
    ) AS "step_0",
    MIN(IF("t1"."touchpoint" = 0, "t1"."at", CAST(NULL AS BIGINT))) OVER (
      PARTITION BY "t1"."customer"
      ORDER BY "t1"."step" ASC
      ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
    ) AS "at_0",
    MIN(IF("t1"."touchpoint" = 1, CAST("t1"."step" AS BIGINT), CAST(NULL AS BIGINT))) OVER (
      PARTITION BY "t1"."customer"
      ORDER BY "t1"."step" ASC
      ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
    ) AS "step_1",
    MIN(IF("t1"."touchpoint" = 1, "t1"."at", CAST(NULL AS BIGINT))) OVER (
      PARTITION BY "t1"."customer"
      ORDER BY "t1"."step" ASC
      ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
    ) AS "at_1",
    CAST(NULL AS BIGINT) AS "stop"
  FROM (
    SELECT
      "t0"."customer",
      "t0"."step",
      "t0"."touchpoint",
      CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) AS "at"
    FROM "log" AS "t0"
  ) AS "t1"
)
SELECT
  "t12"."customer",
  "t12"."place_0",
  "t12"."moment_0",
  "t12"."place_1",
  "t12"."moment_1",
  "t12"."depth"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t10"."customer",
      "t10"."start",
      "t10"."place_0",
      "t10"."moment_0",
      "t10"."place_1",
      "t10"."moment_1",
      "t10"."depth",
      ROW_NUMBER() OVER (PARTITION BY "t10"."customer" ORDER BY "t10"."depth" DESC, "t10"."start" ASC) - 1 AS "nth"
    FROM (
      SELECT
        "t9"."customer",
        "t9"."start",
        "t9"."place_0",
        "t9"."moment_0",
        "t9"."place_1",
        "t9"."moment_1",
        0 + CAST("t9"."place_0" IS NOT NULL AS INTEGER) + CAST("t9"."place_1" IS NOT NULL AS INTEGER) AS "depth"
      FROM (
        SELECT
          "t8"."customer",
          "t8"."start",
          "t8"."place_0",
          "t8"."moment_0",
          "t8"."place_1",
          "t8"."moment_1",
          "t8"."ahead",
          "t8"."ahead_at",
          "t8"."stop"
        FROM (
          SELECT
            "t7"."customer",
            "t7"."start",
            "t7"."place_0",
            "t7"."moment_0",
            "t7"."place_1",
            "t7"."moment_1",
            "t5"."here_customer",
            "t5"."here",
            "t5"."ahead",
            "t5"."ahead_at",
            "t5"."stop"
          FROM (
            SELECT
              "t3"."customer",
              "t3"."step" AS "start",
              "t3"."step" AS "place_0",
              "t3"."at" AS "moment_0",
              IF(
                COALESCE(
                  (
                    "t3"."step_0" IS NOT NULL
                  )
                  AND (
                    (
                      "t3"."at_0" - "t3"."at"
                    ) <= 604800000000
                  ),
                  FALSE
                ),
                "t3"."step_0",
                CAST(NULL AS BIGINT)
              ) AS "place_1",
              IF(
                COALESCE(
                  (
                    "t3"."step_0" IS NOT NULL
                  )
                  AND (
                    (
                      "t3"."at_0" - "t3"."at"
                    ) <= 604800000000
                  ),
                  FALSE
                ),
                "t3"."at_0",
                CAST(NULL AS BIGINT)
              ) AS "moment_1"
            FROM "t2" AS "t3"
            WHERE
              "t3"."touchpoint" = 1
          ) AS "t7"
          LEFT OUTER JOIN (
            SELECT
              "t3"."customer" AS "here_customer",
              "t3"."step" AS "here",
              CAST(NULL AS BIGINT) AS "ahead",
              CAST(NULL AS BIGINT) AS "ahead_at",
              "t3"."stop"
            FROM "t2" AS "t3"
          ) AS "t5"
            ON "t7"."customer" = "t5"."here_customer" AND "t7"."place_1" = "t5"."here"
        ) AS "t8"
      ) AS "t9"
    ) AS "t10"
  ) AS "t11"
  WHERE
    "t11"."nth" = 0
) AS "t12";

-- sessions
SELECT
  "t2"."customer",
  "t2"."step",
  "t2"."touchpoint",
  "t2"."next",
  "t2"."gap",
  "t2"."lot",
  "t2"."customer_id",
  "t2"."ts",
  "t2"."at:device"
FROM (
  SELECT
    "t1"."customer",
    CAST((
      ROW_NUMBER() OVER (PARTITION BY "t1"."customer" ORDER BY "t1"."place" ASC) - 1
    ) + 1 AS INTEGER) AS "step",
    "t1"."touchpoint",
    IF("t1"."last", CAST(NULL AS INTEGER), "t1"."next") AS "next",
    IF("t1"."last", CAST(NULL AS BIGINT), "t1"."gap") AS "gap",
    "t1"."lot",
    "t1"."customer_id",
    "t1"."ts",
    "t1"."at:device",
    "t1"."last",
    "t1"."place"
  FROM (
    SELECT
      (
        "t0"."customer" * 16777216
      ) + COALESCE(
        SUM(
          CAST(COALESCE((
            "t0"."gap" IS NULL
          ) OR (
            "t0"."gap" > 1800000000
          ), TRUE) AS INTEGER)
        ) OVER (
          PARTITION BY "t0"."customer"
          ORDER BY "t0"."step" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 preceding
        ),
        0
      ) AS "customer",
      "t0"."step",
      "t0"."touchpoint",
      "t0"."next",
      "t0"."gap",
      "t0"."lot",
      "t0"."customer_id",
      "t0"."ts",
      "t0"."at:device",
      COALESCE((
        "t0"."gap" IS NULL
      ) OR (
        "t0"."gap" > 1800000000
      ), TRUE) AS "last",
      "t0"."step" AS "place"
    FROM "log" AS "t0"
  ) AS "t1"
) AS "t2";

-- whole paths
SELECT
  "t5"."customer",
  ARRAY_JOIN(
    NULLIF(
      ARRAY_AGG(CAST("t5"."sign" AS VARCHAR) ORDER BY "t5"."step" ASC) FILTER(WHERE
        "t5"."sign" IS NOT NULL),
      ARRAY[]
    ),
    ' -> '
  ) AS "path",
  COUNT(*) AS "length"
FROM (
  SELECT
    "t4"."customer",
    "t4"."step",
    "t4"."touchpoint",
    "t2"."sign"
  FROM (
    SELECT
      "t0"."customer",
      "t0"."step",
      "t0"."touchpoint"
    FROM "log" AS "t0"
  ) AS "t4"
  INNER JOIN "ibis_pyarrow_memtable_…" AS "t2"
    ON "t4"."touchpoint" = "t2"."touchpoint"
) AS "t5"
GROUP BY
  1;

-- months
SELECT
  (
    (
      CAST(EXTRACT(year FROM CAST(FROM_UNIXTIME_NANOS(
        (
          CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) + IF(
            CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) >= 1792890000000000,
            3600000000,
            IF(
              CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) >= 1774746000000000,
              7200000000,
              3600000000
            )
          )
        ) * 1000
      ) AS TIMESTAMP(6))) AS BIGINT) * 12
    ) + EXTRACT(month FROM CAST(FROM_UNIXTIME_NANOS(
      (
        CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) + IF(
          CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) >= 1792890000000000,
          3600000000,
          IF(
            CAST(ROUND(TO_UNIXTIME("t0"."ts") * CAST(1000000.0 AS DOUBLE), 0) AS BIGINT) >= 1774746000000000,
            7200000000,
            3600000000
          )
        )
      ) * 1000
    ) AS TIMESTAMP(6)))
  ) - 1 AS "month",
  COUNT(DISTINCT "t0"."customer") AS "n"
FROM "log" AS "t0"
GROUP BY
  1;
