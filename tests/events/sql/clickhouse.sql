-- path index
SELECT
  "t8"."customer_id" AS "customer_id",
  "t8"."ts" AS "ts",
  "t8"."event" AS "event",
  "t8"."device" AS "device",
  "t8"."touchpoint" AS "touchpoint",
  "t8"."path_customer" AS "path_customer",
  "t8"."path_step" AS "path_step",
  "t8"."path_code" AS "path_code",
  "t8"."path_next" AS "path_next",
  "t8"."path_gap" AS "path_gap",
  "t8"."path_lot" AS "path_lot"
FROM (
  SELECT
    "t7"."customer_id" AS "customer_id",
    "t7"."ts" AS "ts",
    "t7"."event" AS "event",
    "t7"."device" AS "device",
    "t7"."touchpoint" AS "touchpoint",
    "t7"."path_code" AS "path_code",
    "t7"."path_customer" AS "path_customer",
    "t7"."path_lot" AS "path_lot",
    CAST((
      ROW_NUMBER() OVER (
        PARTITION BY "t7"."path_customer"
        ORDER BY "t7"."ts" ASC, "t7"."event" ASC, "t7"."device" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) - 1
    ) + 1 AS Nullable(Int32)) AS "path_step",
    leadInFrame("t7"."path_code") OVER (
      PARTITION BY "t7"."path_customer"
      ORDER BY "t7"."ts" ASC, "t7"."event" ASC, "t7"."device" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS "path_next",
    toUnixTimestamp64Micro(
      leadInFrame("t7"."ts") OVER (
        PARTITION BY "t7"."path_customer"
        ORDER BY "t7"."ts" ASC, "t7"."event" ASC, "t7"."device" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      )
    ) - toUnixTimestamp64Micro("t7"."ts") AS "path_gap"
  FROM (
    SELECT
      "t6"."customer_id" AS "customer_id",
      "t6"."ts" AS "ts",
      "t6"."event" AS "event",
      "t6"."device" AS "device",
      "t3"."touchpoint" AS "touchpoint",
      "t3"."path_code" AS "path_code",
      "t4"."path_customer" AS "path_customer",
      "t4"."path_lot" AS "path_lot"
    FROM (
      SELECT
        "t0"."visitor" AS "customer_id",
        "t0"."time" AS "ts",
        "t0"."page" AS "event",
        "t0"."device" AS "device"
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
  SUM(CAST(isNull("t2"."path_loaded") AS Nullable(Int32))) AS "blank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      reinterpretAsInt64(
        sipHash64(
          CONCAT(
            CONCAT(CONCAT(CONCAT('', ''), COALESCE("t0"."visitor", '')), ''),
            COALESCE(CAST("t0"."loaded" AS Nullable(String)), '')
          )
        )
      ) AS "mark",
      toUnixTimestamp64Micro("t0"."loaded") AS "path_loaded"
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
  "t0"."loaded" >= parseDateTime64BestEffort('2023-11-13T22:13:20.000001', 6);

-- a log that has grown
SELECT
  *
FROM (
  SELECT
    "t2"."customer_id" AS "customer_id",
    "t2"."path_customer" AS "path_customer",
    "t2"."path_step" AS "path_step"
  FROM "stored" AS "t2"
  LEFT ANTI JOIN (
    SELECT
      "t0"."path_customer" AS "path_customer"
    FROM "stored_since" AS "t0"
    WHERE
      "t0"."path_step" = 1 AND "t0"."path_customer" < 1000
  ) AS "t5"
    ON "t2"."path_customer" = "t5"."path_customer"
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
  toUnixTimestamp64Micro("t0"."ts") AS "m",
  fromUnixTimestamp64Micro(toUnixTimestamp64Micro("t0"."ts") + 1) AS "t"
FROM "log" AS "t0";

-- transitions
SELECT
  "t0"."touchpoint" AS "touchpoint",
  "t0"."next" AS "next",
  COUNT(*) AS "n",
  MAX("t0"."gap") AS "m"
FROM "log" AS "t0"
GROUP BY
  "t0"."touchpoint",
  "t0"."next";

-- times of transitions
SELECT
  "t1"."touchpoint" AS "touchpoint",
  "t1"."next" AS "next",
  SUM(
    CASE
      WHEN "t1"."nth" = CAST(FLOOR(0.5 * (
        "t1"."of" - 1
      )) AS Nullable(Int64))
      THEN CAST("t1"."gap" AS Nullable(Float64)) * (
        1 - (
          (
            0.5 * (
              "t1"."of" - 1
            )
          ) - CAST(CAST(FLOOR(0.5 * (
            "t1"."of" - 1
          )) AS Nullable(Int64)) AS Nullable(Float64))
        )
      )
      ELSE CASE
        WHEN "t1"."nth" = (
          CAST(FLOOR(0.5 * (
            "t1"."of" - 1
          )) AS Nullable(Int64)) + 1
        )
        THEN CAST("t1"."gap" AS Nullable(Float64)) * (
          (
            0.5 * (
              "t1"."of" - 1
            )
          ) - CAST(CAST(FLOOR(0.5 * (
            "t1"."of" - 1
          )) AS Nullable(Int64)) AS Nullable(Float64))
        )
        ELSE CAST(NULL AS Nullable(Float64))
      END
    END
  ) AS "half"
FROM (
  SELECT
    "t0"."customer" AS "customer",
    "t0"."step" AS "step",
    "t0"."touchpoint" AS "touchpoint",
    "t0"."next" AS "next",
    "t0"."gap" AS "gap",
    "t0"."lot" AS "lot",
    "t0"."customer_id" AS "customer_id",
    "t0"."ts" AS "ts",
    "t0"."at:device" AS "at:device",
    ROW_NUMBER() OVER (
      PARTITION BY "t0"."touchpoint", "t0"."next", isNull("t0"."gap")
      ORDER BY "t0"."gap" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - 1 AS "nth",
    COUNT("t0"."gap") OVER (
      PARTITION BY "t0"."touchpoint", "t0"."next", isNull("t0"."gap")
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS "of"
  FROM "log" AS "t0"
) AS "t1"
GROUP BY
  "t1"."touchpoint",
  "t1"."next";

-- random groups
SELECT
  CAST(CAST(FLOOR((
    CAST("t0"."lot" AS Nullable(Int64)) * 200
  ) / (
    4096
  )) AS Nullable(Int64)) AS Nullable(Int32)) AS "g",
  CAST((
    (
      position(
        '0123456789abcdef',
        SUBSTRING(
          LOWER(HEX(MD5("t0"."customer_id"))),
          CASE
            WHEN (
              0 + 1
            ) >= 1
            THEN 0 + 1
            ELSE 0 + 1 + LENGTH(LOWER(HEX(MD5("t0"."customer_id"))))
          END,
          1
        )
      ) - 1
    ) * 256
  ) + (
    (
      position(
        '0123456789abcdef',
        SUBSTRING(
          LOWER(HEX(MD5("t0"."customer_id"))),
          CASE
            WHEN (
              1 + 1
            ) >= 1
            THEN 1 + 1
            ELSE 1 + 1 + LENGTH(LOWER(HEX(MD5("t0"."customer_id"))))
          END,
          1
        )
      ) - 1
    ) * 16
  ) + (
    position(
      '0123456789abcdef',
      SUBSTRING(
        LOWER(HEX(MD5("t0"."customer_id"))),
        CASE
          WHEN (
            2 + 1
          ) >= 1
          THEN 2 + 1
          ELSE 2 + 1 + LENGTH(LOWER(HEX(MD5("t0"."customer_id"))))
        END,
        1
      )
    ) - 1
  ) AS Nullable(Int16)) AS "c"
FROM "log" AS "t0";

-- next steps
SELECT
  "t1"."customer" AS "customer",
  CAST("t1"."step" AS Nullable(Int64)) AS "step",
  "t1"."touchpoint" AS "touchpoint",
  "t1"."at" AS "at",
  MIN(
    CASE
      WHEN "t1"."touchpoint" = 0
      THEN CAST("t1"."step" AS Nullable(Int64))
      ELSE CAST(NULL AS Nullable(Int64))
    END
  ) OVER (
    PARTITION BY "t1"."customer"
    ORDER BY "t1"."step" ASC
    ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
  ) AS "step_0",
  MIN(
    CASE
      WHEN "t1"."touchpoint" = 0
      THEN "t1"."at"
      ELSE CAST(NULL AS Nullable(Int64))
    END
  ) OVER (
    PARTITION BY "t1"."customer"
    ORDER BY "t1"."step" ASC
    ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
  ) AS "at_0",
  MIN(
    CASE
      WHEN "t1"."touchpoint" = 1
      THEN CAST("t1"."step" AS Nullable(Int64))
      ELSE CAST(NULL AS Nullable(Int64))
    END
  ) OVER (
    PARTITION BY "t1"."customer"
    ORDER BY "t1"."step" ASC
    ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
  ) AS "step_1",
  MIN(
    CASE
      WHEN "t1"."touchpoint" = 1
      THEN "t1"."at"
      ELSE CAST(NULL AS Nullable(Int64))
    END
  ) OVER (
    PARTITION BY "t1"."customer"
    ORDER BY "t1"."step" ASC
    ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
  ) AS "at_1",
  CAST(NULL AS Nullable(Int64)) AS "stop"
FROM (
  SELECT
    "t0"."customer" AS "customer",
    "t0"."step" AS "step",
    "t0"."touchpoint" AS "touchpoint",
    toUnixTimestamp64Micro("t0"."ts") AS "at"
  FROM "log" AS "t0"
) AS "t1";

-- attempts
WITH "t2" AS (
  SELECT
    "t1"."customer" AS "customer",
    CAST("t1"."step" AS Nullable(Int64)) AS "step",
    "t1"."touchpoint" AS "touchpoint",
    "t1"."at" AS "at",
    MIN(
      CASE
        WHEN "t1"."touchpoint" = 0
        THEN CAST("t1"."step" AS Nullable(Int64))
        ELSE CAST(NULL AS Nullable(Int64))
      END
    ) OVER (
      PARTITION BY "t1"."customer"
      ORDER BY "t1"."step" ASC
      ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
    ) AS "step_0",
    MIN(
      CASE
        WHEN "t1"."touchpoint" = 0
        THEN "t1"."at"
        ELSE CAST(NULL AS Nullable(Int64))
      END
    ) OVER (
      PARTITION BY "t1"."customer"
      ORDER BY "t1"."step" ASC
      ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
    ) AS "at_0",
    MIN(
      CASE
        WHEN "t1"."touchpoint" = 1
        THEN CAST("t1"."step" AS Nullable(Int64))
        ELSE CAST(NULL AS Nullable(Int64))
      END
    ) OVER (
      PARTITION BY "t1"."customer"
      ORDER BY "t1"."step" ASC
      ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
    ) AS "step_1",
    MIN(
      CASE
        WHEN "t1"."touchpoint" = 1
        THEN "t1"."at"
        ELSE CAST(NULL AS Nullable(Int64))
      END
    ) OVER (
      PARTITION BY "t1"."customer"
      ORDER BY "t1"."step" ASC
      ROWS BETWEEN 1 following AND UNBOUNDED FOLLOWING
    ) AS "at_1",
    CAST(NULL AS Nullable(Int64)) AS "stop"
  FROM (
    SELECT
      "t0"."customer" AS "customer",
      "t0"."step" AS "step",
      "t0"."touchpoint" AS "touchpoint",
      toUnixTimestamp64Micro("t0"."ts") AS "at"
    FROM "log" AS "t0"
  ) AS "t1"
)
SELECT
  "t12".*
  EXCEPT ("nth", "start")
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t10"."customer" AS "customer",
      "t10"."start" AS "start",
      "t10"."place_0" AS "place_0",
      "t10"."moment_0" AS "moment_0",
      "t10"."place_1" AS "place_1",
      "t10"."moment_1" AS "moment_1",
      "t10"."depth" AS "depth",
      ROW_NUMBER() OVER (
        PARTITION BY "t10"."customer"
        ORDER BY "t10"."depth" DESC, "t10"."start" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) - 1 AS "nth"
    FROM (
      SELECT
        "t9"."customer" AS "customer",
        "t9"."start" AS "start",
        "t9"."place_0" AS "place_0",
        "t9"."moment_0" AS "moment_0",
        "t9"."place_1" AS "place_1",
        "t9"."moment_1" AS "moment_1",
        0 + CAST(isNotNull("t9"."place_0") AS Nullable(Int32)) + CAST(isNotNull("t9"."place_1") AS Nullable(Int32)) AS "depth"
      FROM (
        SELECT
          "t8".*
          EXCEPT ("here", "here_customer")
        FROM (
          SELECT
            "t7"."customer" AS "customer",
            "t7"."start" AS "start",
            "t7"."place_0" AS "place_0",
            "t7"."moment_0" AS "moment_0",
            "t7"."place_1" AS "place_1",
            "t7"."moment_1" AS "moment_1",
            "t5"."here_customer" AS "here_customer",
            "t5"."here" AS "here",
            "t5"."ahead" AS "ahead",
            "t5"."ahead_at" AS "ahead_at",
            "t5"."stop" AS "stop"
          FROM (
            SELECT
              "t3"."customer" AS "customer",
              "t3"."step" AS "start",
              "t3"."step" AS "place_0",
              "t3"."at" AS "moment_0",
              CASE
                WHEN COALESCE(
                  isNotNull("t3"."step_0")
                  AND (
                    (
                      "t3"."at_0" - "t3"."at"
                    ) <= 604800000000
                  ),
                  FALSE
                )
                THEN "t3"."step_0"
                ELSE CAST(NULL AS Nullable(Int64))
              END AS "place_1",
              CASE
                WHEN COALESCE(
                  isNotNull("t3"."step_0")
                  AND (
                    (
                      "t3"."at_0" - "t3"."at"
                    ) <= 604800000000
                  ),
                  FALSE
                )
                THEN "t3"."at_0"
                ELSE CAST(NULL AS Nullable(Int64))
              END AS "moment_1"
            FROM "t2" AS "t3"
            WHERE
              "t3"."touchpoint" = 1
          ) AS "t7"
          LEFT OUTER JOIN (
            SELECT
              "t3"."customer" AS "here_customer",
              "t3"."step" AS "here",
              CAST(NULL AS Nullable(Int64)) AS "ahead",
              CAST(NULL AS Nullable(Int64)) AS "ahead_at",
              "t3"."stop" AS "stop"
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
  "t2".*
  EXCEPT ("last", "place")
FROM (
  SELECT
    "t1"."customer" AS "customer",
    CAST((
      ROW_NUMBER() OVER (
        PARTITION BY "t1"."customer"
        ORDER BY "t1"."place" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) - 1
    ) + 1 AS Nullable(Int32)) AS "step",
    "t1"."touchpoint" AS "touchpoint",
    CASE WHEN "t1"."last" THEN CAST(NULL AS Nullable(Int32)) ELSE "t1"."next" END AS "next",
    CASE WHEN "t1"."last" THEN CAST(NULL AS Nullable(Int64)) ELSE "t1"."gap" END AS "gap",
    "t1"."lot" AS "lot",
    "t1"."customer_id" AS "customer_id",
    "t1"."ts" AS "ts",
    "t1"."at:device" AS "at:device",
    "t1"."last" AS "last",
    "t1"."place" AS "place"
  FROM (
    SELECT
      (
        "t0"."customer" * 16777216
      ) + COALESCE(
        SUM(
          CAST(COALESCE(isNull("t0"."gap") OR (
            "t0"."gap" > 1800000000
          ), TRUE) AS Nullable(Int32))
        ) OVER (
          PARTITION BY "t0"."customer"
          ORDER BY "t0"."step" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 preceding
        ),
        0
      ) AS "customer",
      "t0"."step" AS "step",
      "t0"."touchpoint" AS "touchpoint",
      "t0"."next" AS "next",
      "t0"."gap" AS "gap",
      "t0"."lot" AS "lot",
      "t0"."customer_id" AS "customer_id",
      "t0"."ts" AS "ts",
      "t0"."at:device" AS "at:device",
      COALESCE(isNull("t0"."gap") OR (
        "t0"."gap" > 1800000000
      ), TRUE) AS "last",
      "t0"."step" AS "place"
    FROM "log" AS "t0"
  ) AS "t1"
) AS "t2";

-- whole paths
SELECT
  "t6"."customer" AS "customer",
  "t6"."length" AS "length",
  CASE
    WHEN length(
      arrayMap(
        __ibis_param_pair__ -> CAST(__ibis_param_pair__.2 AS Nullable(String)),
        "t6"."pairs"
      )
    ) > 0
    THEN arrayStringConcat(
      arrayMap(
        __ibis_param_pair__ -> CAST(__ibis_param_pair__.2 AS Nullable(String)),
        "t6"."pairs"
      ),
      ' -> '
    )
    ELSE NULL
  END AS "path"
FROM (
  SELECT
    "t5"."customer" AS "customer",
    arraySort(groupArray(tuple("t5"."step", "t5"."sign"))) AS "pairs",
    COUNT(*) AS "length"
  FROM (
    SELECT
      "t4"."customer" AS "customer",
      "t4"."step" AS "step",
      "t4"."touchpoint" AS "touchpoint",
      "t2"."sign" AS "sign"
    FROM (
      SELECT
        "t0"."customer" AS "customer",
        "t0"."step" AS "step",
        "t0"."touchpoint" AS "touchpoint"
      FROM "log" AS "t0"
    ) AS "t4"
    INNER JOIN "ibis_pyarrow_memtable_…" AS "t2"
      ON "t4"."touchpoint" = "t2"."touchpoint"
  ) AS "t5"
  GROUP BY
    "t5"."customer"
) AS "t6";

-- months
SELECT
  (
    (
      CAST(toYear(
        fromUnixTimestamp64Micro(
          toUnixTimestamp64Micro("t0"."ts") + CASE
            WHEN toUnixTimestamp64Micro("t0"."ts") >= 1792890000000000
            THEN 3600000000
            ELSE CASE
              WHEN toUnixTimestamp64Micro("t0"."ts") >= 1774746000000000
              THEN 7200000000
              ELSE 3600000000
            END
          END
        )
      ) AS Nullable(Int64)) * 12
    ) + toMonth(
      fromUnixTimestamp64Micro(
        toUnixTimestamp64Micro("t0"."ts") + CASE
          WHEN toUnixTimestamp64Micro("t0"."ts") >= 1792890000000000
          THEN 3600000000
          ELSE CASE
            WHEN toUnixTimestamp64Micro("t0"."ts") >= 1774746000000000
            THEN 7200000000
            ELSE 3600000000
          END
        END
      )
    )
  ) - 1 AS "month",
  uniq("t0"."customer") AS "n"
FROM "log" AS "t0"
GROUP BY
  (
    (
      CAST(toYear(
        fromUnixTimestamp64Micro(
          toUnixTimestamp64Micro("t0"."ts") + CASE
            WHEN toUnixTimestamp64Micro("t0"."ts") >= 1792890000000000
            THEN 3600000000
            ELSE CASE
              WHEN toUnixTimestamp64Micro("t0"."ts") >= 1774746000000000
              THEN 7200000000
              ELSE 3600000000
            END
          END
        )
      ) AS Nullable(Int64)) * 12
    ) + toMonth(
      fromUnixTimestamp64Micro(
        toUnixTimestamp64Micro("t0"."ts") + CASE
          WHEN toUnixTimestamp64Micro("t0"."ts") >= 1792890000000000
          THEN 3600000000
          ELSE CASE
            WHEN toUnixTimestamp64Micro("t0"."ts") >= 1774746000000000
            THEN 7200000000
            ELSE 3600000000
          END
        END
      )
    )
  ) - 1;
