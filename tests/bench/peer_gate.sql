-- The contract of a snapshot by hand: `faulty` lists the rows that fail it and all that is wrong with each, `accepted` has
-- the others. Reads `lines`, the rows of a Parquet file with their `file_row_number`.

CREATE OR REPLACE MACRO tonight() AS getvariable('tonight')::DATE;
CREATE OR REPLACE MACRO is_odd(word) AS length(word) > 256 OR regexp_matches(word, '[\x00-\x1f\x7f]');
CREATE OR REPLACE MACRO is_outside(number, low, high) AS number NOT BETWEEN low AND high;

CREATE OR REPLACE TEMP TABLE repeated AS
SELECT account_id FROM lines WHERE account_id <> '' GROUP BY account_id HAVING count(*) > 1;

-- The words of columns without a closed list: few and looked at once each.
CREATE OR REPLACE TEMP TABLE words AS
SELECT DISTINCT product_code AS word FROM lines
UNION SELECT DISTINCT customer_segment FROM lines
UNION SELECT DISTINCT closure_cause FROM lines;

CREATE OR REPLACE TEMP TABLE odd AS SELECT word FROM words WHERE is_odd(word);

CREATE OR REPLACE TEMP TABLE faulty AS
WITH checked AS (
    SELECT
        *,
        account_id IN (FROM repeated) AS is_repeated,
        line_status IS NOT DISTINCT FROM 'closed' AS is_closed
    FROM lines
)
SELECT
    file_row_number AS row,
    account_id,
    list_filter([
        CASE WHEN account_id IS NULL OR account_id = '' THEN 'account_id: is missing' END,
        CASE WHEN is_odd(account_id) THEN 'account_id: is longer than 256 characters or holds control characters' END,
        CASE WHEN product_code IN (FROM odd) THEN 'product_code: is longer than 256 characters or holds control characters' END,
        CASE WHEN customer_segment IN (FROM odd) THEN 'customer_segment: is longer than 256 characters or holds control characters' END,
        CASE WHEN line_status IS NULL OR line_status NOT IN ('open', 'closed') THEN 'line_status: is outside what is allowed' END,
        CASE WHEN closed_limit_cents IS NULL OR closed_limit_cents < 0 THEN 'closed_limit_cents: is missing or negative' END,
        CASE WHEN is_outside(closed_limit_cents, -10000000000000, 10000000000000) THEN 'closed_limit_cents: is larger than 10^13 in size' END,
        CASE WHEN is_outside(balance_cents, -10000000000000, 10000000000000) THEN 'balance_cents: is larger than 10^13 in size' END,
        CASE WHEN closed_on > tonight() THEN 'closed_on: is after the business date' END,
        CASE WHEN is_closed AND closed_on IS NULL THEN 'closed_on: is missing on a closed line' END,
        CASE WHEN closure_cause IN (FROM odd) THEN 'closure_cause: is longer than 256 characters or holds control characters' END,
        CASE WHEN is_closed AND closure_cause IS NULL THEN 'closure_cause: is missing on a closed line' END,
        CASE WHEN closure_initiator NOT IN ('issuer', 'customer') THEN 'closure_initiator: is outside what is allowed' END,
        CASE WHEN is_closed AND closure_initiator IS NULL THEN 'closure_initiator: is missing on a closed line' END,
        CASE WHEN is_outside(days_past_due, 0, 9999) THEN 'days_past_due: is outside what is allowed' END,
        CASE WHEN is_outside(on_time_streak_months, 0, 600) THEN 'on_time_streak_months: is outside what is allowed' END,
        CASE WHEN is_outside(worst_late_6m_months, 0, 99) THEN 'worst_late_6m_months: is outside what is allowed' END,
        CASE WHEN is_outside(worst_late_24m_months, 0, 99) THEN 'worst_late_24m_months: is outside what is allowed' END,
        CASE WHEN is_outside(utilisation_bp, 0, 100000) THEN 'utilisation_bp: is outside what is allowed' END,
        CASE WHEN is_outside(debt_service_to_income_bp, 0, 1000000) THEN 'debt_service_to_income_bp: is outside what is allowed' END,
        CASE WHEN is_outside(monthly_income_cents, 0, 10000000000) THEN 'monthly_income_cents: is outside what is allowed' END,
        CASE WHEN is_outside(other_debt_cents, 0, 1000000000000) THEN 'other_debt_cents: is outside what is allowed' END,
        CASE WHEN employment NOT IN ('full_time', 'part_time', 'self_employed', 'retired', 'student', 'none')
            THEN 'employment: is outside what is allowed' END,
        CASE WHEN is_outside(bureau_score, 300, 900) THEN 'bureau_score: is outside what is allowed' END,
        CASE WHEN is_outside(hard_enquiries_3m_count, 0, 999) THEN 'hard_enquiries_3m_count: is outside what is allowed' END,
        CASE WHEN is_outside(hard_enquiries_6m_count, 0, 999) THEN 'hard_enquiries_6m_count: is outside what is allowed' END,
        CASE WHEN alert_status NOT IN ('none_raised', 'open', 'cleared') THEN 'alert_status: is outside what is allowed' END,
        CASE WHEN appeal_status NOT IN ('no_appeal', 'received', 'under_review', 'upheld', 'refused')
            THEN 'appeal_status: is outside what is allowed' END,
        CASE WHEN objection_outcome NOT IN ('kept_closed') THEN 'objection_outcome: is outside what is allowed' END,
        CASE WHEN campaign_code NOT IN ('AUTUMN_SAVER', 'no_campaign') THEN 'campaign_code: is outside what is allowed' END,
        CASE WHEN is_outside(turnover_change_bp, -10000, 1000000) THEN 'turnover_change_bp: is outside what is allowed' END,
        CASE WHEN bureau_observed_on > tonight() THEN 'bureau_observed_on: is after the business date' END,
        CASE WHEN income_observed_on > tonight() THEN 'income_observed_on: is after the business date' END,
        CASE WHEN turnover_observed_on > tonight() THEN 'turnover_observed_on: is after the business date' END,
        CASE WHEN insolvency_observed_on > tonight() THEN 'insolvency_observed_on: is after the business date' END,
        CASE WHEN sanctions_observed_on > tonight() THEN 'sanctions_observed_on: is after the business date' END,
        CASE WHEN is_repeated THEN 'account_id: stands on more than one row' END
    ], lambda each: each IS NOT NULL) AS reasons
FROM checked
WHERE
    is_repeated OR account_id IS NULL OR NOT regexp_full_match(account_id, '[^\x00-\x1f\x7f]{1,256}')
    OR product_code IN (FROM odd) OR customer_segment IN (FROM odd) OR closure_cause IN (FROM odd)
    OR line_status IS NULL OR line_status NOT IN ('open', 'closed')
    OR (is_closed AND (closed_on IS NULL OR closure_cause IS NULL OR closure_initiator IS NULL))
    OR closure_initiator NOT IN ('issuer', 'customer')
    OR closed_limit_cents IS NULL OR is_outside(closed_limit_cents, 0, 10000000000000)
    OR is_outside(balance_cents, -10000000000000, 10000000000000)
    OR closed_on > tonight() OR bureau_observed_on > tonight() OR income_observed_on > tonight()
    OR turnover_observed_on > tonight() OR insolvency_observed_on > tonight() OR sanctions_observed_on > tonight()
    OR is_outside(days_past_due, 0, 9999) OR is_outside(on_time_streak_months, 0, 600)
    OR is_outside(worst_late_6m_months, 0, 99) OR is_outside(worst_late_24m_months, 0, 99)
    OR is_outside(utilisation_bp, 0, 100000) OR is_outside(debt_service_to_income_bp, 0, 1000000)
    OR is_outside(monthly_income_cents, 0, 10000000000) OR is_outside(other_debt_cents, 0, 1000000000000)
    OR is_outside(bureau_score, 300, 900) OR is_outside(hard_enquiries_3m_count, 0, 999)
    OR is_outside(hard_enquiries_6m_count, 0, 999) OR is_outside(turnover_change_bp, -10000, 1000000)
    OR employment NOT IN ('full_time', 'part_time', 'self_employed', 'retired', 'student', 'none')
    OR alert_status NOT IN ('none_raised', 'open', 'cleared')
    OR objection_outcome NOT IN ('kept_closed')
    OR appeal_status NOT IN ('no_appeal', 'received', 'under_review', 'upheld', 'refused')
    OR campaign_code NOT IN ('AUTUMN_SAVER', 'no_campaign');

CREATE OR REPLACE VIEW accepted AS
SELECT * EXCLUDE (file_row_number) FROM lines WHERE file_row_number NOT IN (SELECT row FROM faulty);
