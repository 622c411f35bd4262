-- What a night writes: the evidence of every line judged and, over the file that holds it, what will change.

CREATE OR REPLACE MACRO word(answer) AS CASE WHEN answer THEN 'pass' WHEN NOT answer THEN 'fail' ELSE 'unknown' END;

CREATE OR REPLACE VIEW evidence AS
SELECT
    'closed' AS line_kind,
    COLUMNS(lambda name: name NOT LIKE 'criterion.%'),
    word(COLUMNS('^criterion\.'))
FROM judged;

CREATE OR REPLACE MACRO plan(evidence_file) AS TABLE
SELECT account_id, decision, step, cause, route, score, limit_cents, valid_until
FROM read_parquet(evidence_file)
WHERE decision IN ('reopen', 'reopen_temporarily')
ORDER BY account_id;

-- Recoverable lines that did not open.
CREATE OR REPLACE MACRO recoverable(evidence_file) AS TABLE
SELECT account_id
FROM read_parquet(evidence_file)
WHERE recoverable AND decision <> 'reopen'
ORDER BY account_id;
