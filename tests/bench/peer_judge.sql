-- The judgement of consumer-revolving 2026-10 by hand, for one night without a ledger, a line confirmed on its first night
-- (confirm_nights 1) and no nightly budget. Reads `clean`, the rows of a snapshot that are not quarantined.
--
-- A boolean that is NULL is an answer unknown: AND, OR and NOT of SQL are then those of the policy language.

CREATE OR REPLACE MACRO tonight() AS getvariable('tonight')::DATE;
CREATE OR REPLACE MACRO present(texts) AS list_filter(texts, lambda each: each IS NOT NULL);

CREATE OR REPLACE VIEW judged AS
WITH closed AS (
    -- What is older than its attribute allows is unknown. Without a ledger its counts are 0.
    SELECT
        * EXCLUDE (
            business_date, line_status, balance_cents,
            debt_service_to_income_bp, monthly_income_cents, other_debt_cents, bureau_score,
            hard_enquiries_3m_count, hard_enquiries_6m_count, turnover_change_bp, insolvency_open, sanctions_hit
        ),
        CASE WHEN income_observed_on >= tonight() - 400 THEN debt_service_to_income_bp END AS debt_service_to_income_bp,
        CASE WHEN income_observed_on >= tonight() - 400 THEN monthly_income_cents END AS monthly_income_cents,
        CASE WHEN bureau_observed_on >= tonight() - 35 THEN other_debt_cents END AS other_debt_cents,
        CASE WHEN bureau_observed_on >= tonight() - 35 THEN bureau_score END AS bureau_score,
        CASE WHEN bureau_observed_on >= tonight() - 35 THEN hard_enquiries_3m_count END AS hard_enquiries_3m_count,
        CASE WHEN bureau_observed_on >= tonight() - 35 THEN hard_enquiries_6m_count END AS hard_enquiries_6m_count,
        CASE WHEN turnover_observed_on >= tonight() - 120 THEN turnover_change_bp END AS turnover_change_bp,
        CASE WHEN insolvency_observed_on >= tonight() - 35 THEN insolvency_open END AS insolvency_open,
        CASE WHEN sanctions_observed_on >= tonight() - 3 THEN sanctions_hit END AS sanctions_hit,
        0 AS ledger_reopens_365d_count,
        0 AS ledger_reopens_1825d_count
    FROM clean
    WHERE line_status = 'closed'
),
answered AS (
    SELECT
        *,
        days_past_due = 0 AS "criterion.CURRENT",
        on_time_streak_months >= 3 AS "criterion.ON_TIME_3M",
        on_time_streak_months >= 6 AS "criterion.ON_TIME_6M",
        worst_late_6m_months <= 1 AS "criterion.LATE_6M",
        worst_late_24m_months <= 2 AS "criterion.LATE_24M",
        NOT in_default AS "criterion.NOT_IN_DEFAULT",
        default_cured_on IS NULL OR (default_cured_on <= tonight() - 92 AND on_time_streak_months >= 3)
            AS "criterion.DEFAULT_CURED_92D",
        restructured_on IS NULL OR (restructured_on <= tonight() - 366 AND on_time_streak_months >= 12)
            AS "criterion.RESTRUCTURED_366D",
        utilisation_bp <= 7500 AS "criterion.UTILISATION",
        debt_service_to_income_bp <= 4500
            OR (customer_segment = 'micro_enterprise' AND debt_service_to_income_bp <= 5500) AS "criterion.DEBT_SERVICE",
        customer_segment <> 'micro_enterprise' OR turnover_change_bp >= -2000 AS "criterion.TURNOVER",
        hard_enquiries_3m_count <= 2 AS "criterion.ENQUIRIES_3M",
        hard_enquiries_6m_count <= 4 AS "criterion.ENQUIRIES_6M",
        alert_status <> 'open' AS "criterion.NO_OPEN_ALERT",
        alert_status = 'cleared' AS "criterion.ALERT_CLEARED",
        alert_cleared_on <= tonight() - 180 AS "criterion.ALERT_QUIET_180D",
        NOT product_paused AS "criterion.PRODUCT_RUNNING",
        closed_on <= tonight() - 30 AS "criterion.CLOSED_30D",
        closed_on <= tonight() - 90 AS "criterion.CLOSED_90D",
        ledger_reopens_365d_count = 0 AS "criterion.REOPENED_1Y",
        ledger_reopens_1825d_count <= 1 AS "criterion.REOPENED_5Y",
        (days_past_due > 30) IS TRUE AS far_overdue,

        -- An unknown value falls to ELSE, which is the points of `missing`.
        CASE
            WHEN bureau_score >= 740 THEN 60 WHEN bureau_score >= 680 THEN 45 WHEN bureau_score >= 620 THEN 30
            WHEN bureau_score >= 560 THEN 15 ELSE 0
        END AS "points.bureau_score",
        CASE
            WHEN on_time_streak_months >= 24 THEN 50 WHEN on_time_streak_months >= 12 THEN 40
            WHEN on_time_streak_months >= 6 THEN 30 WHEN on_time_streak_months >= 3 THEN 15 ELSE 0
        END AS "points.on_time_streak_months",
        CASE WHEN worst_late_6m_months < 1 THEN 20 WHEN worst_late_6m_months < 2 THEN 10 ELSE 0 END
            AS "points.worst_late_6m_months",
        CASE
            WHEN worst_late_24m_months < 1 THEN 30 WHEN worst_late_24m_months < 2 THEN 20
            WHEN worst_late_24m_months < 3 THEN 5 ELSE 0
        END AS "points.worst_late_24m_months",
        CASE WHEN utilisation_bp < 3000 THEN 40 WHEN utilisation_bp < 5000 THEN 25 WHEN utilisation_bp < 7500 THEN 10 ELSE 0 END
            AS "points.utilisation_bp",
        CASE
            WHEN debt_service_to_income_bp < 2000 THEN 40 WHEN debt_service_to_income_bp < 3500 THEN 25
            WHEN debt_service_to_income_bp < 4500 THEN 10 ELSE 0
        END AS "points.debt_service_to_income_bp",
        CASE
            WHEN other_debt_cents < 100000 THEN 20 WHEN other_debt_cents < 1000000 THEN 15
            WHEN other_debt_cents < 5000000 THEN 5 ELSE 0
        END AS "points.other_debt_cents",
        CASE
            WHEN hard_enquiries_6m_count < 1 THEN 25 WHEN hard_enquiries_6m_count < 3 THEN 15
            WHEN hard_enquiries_6m_count < 5 THEN 5 ELSE 0
        END AS "points.hard_enquiries_6m_count",
        CASE
            WHEN employment IN ('full_time', 'part_time', 'self_employed', 'retired') THEN 20
            WHEN employment = 'student' THEN 10 ELSE 0
        END AS "points.employment",
        CASE WHEN turnover_change_bp < -2000 THEN 0 WHEN turnover_change_bp < 0 THEN 10 ELSE 15 END
            AS "points.turnover_change_bp",

        objects_to_automated_decisions AND objection_outcome = 'kept_closed'
            AND NOT (appeal_status = 'upheld' AND appeal_decided_on > closed_on) AS objection,
        tonight() >= DATE '2026-10-01' AND tonight() < DATE '2026-11-03'
            AND closure_cause = 'policy_tightening' AND customer_segment = 'student' AS students_wait,
        tonight() >= DATE '2026-12-21' AND tonight() < DATE '2027-01-05'
            AND product_code = 'merchant_line' AS merchants_wait,
        appeal_status = 'upheld' AND appeal_decided_on > closed_on
            AND ledger_reopens_365d_count = 0 AND days_past_due <= 30 AS appeal_upheld,
        appeal_status IN ('received', 'under_review')
            OR (appeal_status = 'upheld' AND (appeal_decided_on IS NULL OR appeal_decided_on = closed_on))
            OR (appeal_status = 'upheld' AND appeal_decided_on > closed_on
                AND (ledger_reopens_365d_count >= 1 OR days_past_due > 30)) AS appeal_pending,
        tonight() >= DATE '2026-10-20' AND tonight() < DATE '2026-11-20'
            AND campaign_code = 'AUTUMN_SAVER'
            AND campaign_completed_on <= tonight() AND campaign_completed_on >= tonight() - 30 AS saved_in_autumn,
        monthly_income_cents * 6 - other_debt_cents AS cap_all_debt,
        monthly_income_cents * 2 AS cap_one_line
    FROM closed
),
scored AS (
    SELECT
        *,
        500 + "points.bureau_score" + "points.on_time_streak_months" + "points.worst_late_6m_months"
            + "points.worst_late_24m_months" + "points.utilisation_bp" + "points.debt_service_to_income_bp"
            + "points.other_debt_cents" + "points.hard_enquiries_6m_count" + "points.employment"
            + "points.turnover_change_bp" AS score,
        CASE closure_cause
            WHEN 'credit_assessment' THEN 640 WHEN 'policy_tightening' THEN 620 WHEN 'abnormal_behaviour' THEN 660
        END AS score_min,
        CASE closure_cause
            WHEN 'credit_assessment' THEN
                "criterion.CURRENT" AND "criterion.ON_TIME_3M" AND "criterion.LATE_6M" AND "criterion.LATE_24M"
                AND "criterion.NOT_IN_DEFAULT" AND "criterion.DEFAULT_CURED_92D" AND "criterion.RESTRUCTURED_366D"
                AND "criterion.UTILISATION" AND "criterion.DEBT_SERVICE" AND "criterion.TURNOVER" AND "criterion.ENQUIRIES_3M"
                AND "criterion.ENQUIRIES_6M" AND "criterion.NO_OPEN_ALERT" AND "criterion.PRODUCT_RUNNING"
                AND "criterion.CLOSED_90D" AND "criterion.REOPENED_1Y" AND "criterion.REOPENED_5Y"
            WHEN 'policy_tightening' THEN
                "criterion.CURRENT" AND "criterion.LATE_6M" AND "criterion.LATE_24M"
                AND "criterion.NOT_IN_DEFAULT" AND "criterion.DEFAULT_CURED_92D" AND "criterion.RESTRUCTURED_366D"
                AND "criterion.DEBT_SERVICE" AND "criterion.TURNOVER"
                AND "criterion.NO_OPEN_ALERT" AND "criterion.PRODUCT_RUNNING" AND "criterion.CLOSED_30D"
                AND "criterion.REOPENED_1Y" AND "criterion.REOPENED_5Y"
            WHEN 'product_operation' THEN
                "criterion.CURRENT" AND "criterion.ON_TIME_3M" AND "criterion.LATE_6M" AND "criterion.LATE_24M"
                AND "criterion.NOT_IN_DEFAULT" AND "criterion.DEFAULT_CURED_92D" AND "criterion.RESTRUCTURED_366D"
                AND "criterion.UTILISATION" AND "criterion.DEBT_SERVICE" AND "criterion.TURNOVER" AND "criterion.ENQUIRIES_3M"
                AND "criterion.ENQUIRIES_6M" AND "criterion.NO_OPEN_ALERT" AND "criterion.PRODUCT_RUNNING"
                AND "criterion.REOPENED_1Y" AND "criterion.REOPENED_5Y"
            WHEN 'abnormal_behaviour' THEN
                "criterion.ALERT_CLEARED" AND "criterion.ALERT_QUIET_180D" AND "criterion.CURRENT"
                AND "criterion.ON_TIME_6M" AND "criterion.LATE_6M" AND "criterion.LATE_24M"
                AND "criterion.NOT_IN_DEFAULT" AND "criterion.DEFAULT_CURED_92D" AND "criterion.RESTRUCTURED_366D"
                AND "criterion.DEBT_SERVICE" AND "criterion.TURNOVER" AND "criterion.ENQUIRIES_3M" AND "criterion.ENQUIRIES_6M"
                AND "criterion.PRODUCT_RUNNING" AND "criterion.CLOSED_90D" AND "criterion.REOPENED_1Y"
                AND "criterion.REOPENED_5Y"
        END AS meets,
        closure_cause IN ('credit_assessment', 'policy_tightening', 'product_operation', 'abnormal_behaviour') AS is_covered,
        deceased OR insolvency_open OR fraud_confirmed OR charged_off OR sanctions_hit OR on_hardship_plan
            OR legal_action OR product_withdrawn OR objection AS excluded,
        students_wait OR merchants_wait AS frozen,
        -- Failed, and asked by the cause; what all four causes ask needs no name of its own.
        CASE closure_cause
            WHEN 'policy_tightening' THEN NULL
            WHEN 'abnormal_behaviour' THEN NOT "criterion.ON_TIME_6M" ELSE NOT "criterion.ON_TIME_3M"
        END AS fails_on_time,
        NOT "criterion.UTILISATION" AND closure_cause IN ('credit_assessment', 'product_operation') AS fails_utilisation,
        NOT ("criterion.ENQUIRIES_3M" AND "criterion.ENQUIRIES_6M")
            AND closure_cause <> 'policy_tightening' AS fails_enquiries,
        CASE closure_cause
            WHEN 'abnormal_behaviour' THEN NOT "criterion.ALERT_CLEARED" ELSE NOT "criterion.NO_OPEN_ALERT"
        END AS fails_alert,
        NOT "criterion.ALERT_QUIET_180D" AND closure_cause = 'abnormal_behaviour' AS fails_quiet,
        CASE closure_cause
            WHEN 'policy_tightening' THEN NOT "criterion.CLOSED_30D" WHEN 'product_operation' THEN NULL
            ELSE NOT "criterion.CLOSED_90D"
        END AS fails_wait,
        CASE
            WHEN cap_all_debt IS NOT NULL AND cap_one_line IS NOT NULL THEN least(cap_all_debt, cap_one_line, 20000000)
        END AS cap
    FROM answered
),
settled AS (
    SELECT
        *,
        coalesce(score < score_min, false) AS is_short,
        CASE
            WHEN closure_initiator = 'customer' THEN 'initiator'
            WHEN excluded IS NOT FALSE THEN 'exclusion'
            WHEN frozen IS NOT FALSE THEN 'freeze'
            WHEN appeal_upheld THEN 'upheld'
            WHEN appeal_pending THEN 'appeal'
            WHEN NOT is_covered THEN 'not_covered'
            WHEN meets IS FALSE OR far_overdue OR is_short THEN 'kept'
            WHEN meets IS NULL THEN 'unproven'
            ELSE 'recovered'
        END AS found
    FROM scored
),
offered AS (
    SELECT
        *,
        CASE
            WHEN found = 'kept' AND closure_cause = 'credit_assessment' AND saved_in_autumn AND NOT far_overdue AND score >= 600
                AND "criterion.CURRENT" AND "criterion.ON_TIME_3M" AND "criterion.LATE_6M" AND "criterion.LATE_24M"
                AND "criterion.NOT_IN_DEFAULT" AND "criterion.DEFAULT_CURED_92D" AND "criterion.RESTRUCTURED_366D"
                AND "criterion.UTILISATION" AND "criterion.DEBT_SERVICE" AND "criterion.TURNOVER" AND "criterion.ENQUIRIES_3M"
                AND "criterion.NO_OPEN_ALERT" AND "criterion.PRODUCT_RUNNING" AND "criterion.REOPENED_1Y"
                AND "criterion.REOPENED_5Y" AND cap IS NOT NULL
            THEN least(closed_limit_cents * 2000 // 10000, 200000, cap) // 10000 * 10000
            WHEN found IN ('upheld', 'recovered') AND cap IS NOT NULL
            THEN least(
                closed_limit_cents * CASE
                    WHEN found = 'upheld' OR score_min IS NULL OR score >= 760 THEN 10000 WHEN score >= 700 THEN 7500 ELSE 5000
                END // 10000, cap
            ) // 10000 * 10000
        END AS limit_found
    FROM settled
),
decided AS (
    SELECT
        *,
        CASE
            WHEN found IN ('initiator', 'exclusion', 'freeze', 'appeal') THEN found
            WHEN found IN ('kept', 'not_covered', 'unproven')
                THEN CASE WHEN found = 'kept' AND limit_found >= 50000 THEN 'granted' ELSE 'cause' END
            WHEN limit_found >= 50000 THEN 'granted'
            ELSE 'limit'
        END AS step
    FROM offered
)
SELECT
    account_id,
    product_code,
    customer_segment,
    CASE
        WHEN step = 'granted' THEN CASE WHEN found = 'kept' THEN 'reopen_temporarily' ELSE 'reopen' END
        WHEN found IN ('initiator', 'kept') OR (found = 'exclusion' AND excluded) OR (found = 'freeze' AND frozen)
            OR (step = 'limit' AND cap IS NOT NULL) THEN 'keep_closed'
        ELSE 'refer'
    END AS decision,
    step,
    closure_cause AS cause,
    CASE
        WHEN step = 'granted'
            THEN CASE found WHEN 'kept' THEN 'campaign' WHEN 'upheld' THEN 'appeal' ELSE 'reevaluation' END
    END AS route,
    score,
    found = 'recovered' AS recoverable,
    CASE WHEN step = 'granted' THEN limit_found END AS limit_cents,
    CASE WHEN step = 'granted' AND found = 'kept' THEN tonight() + 7 END AS valid_until,
    CASE
        WHEN step = 'granted' THEN []::VARCHAR[]
        -- Failed criteria: one order serves all four causes.
        WHEN found = 'kept' THEN list_concat(
            present([
                CASE WHEN fails_alert AND closure_cause = 'abnormal_behaviour' THEN 'alert_not_cleared' END,
                CASE WHEN fails_quiet THEN 'alert_cleared_recently' END,
                CASE WHEN NOT "criterion.CURRENT" THEN 'payment_overdue' END,
                CASE WHEN fails_on_time THEN 'payment_history_short' END,
                CASE WHEN NOT "criterion.LATE_6M" THEN 'late_in_last_6_months' END,
                CASE WHEN NOT "criterion.LATE_24M" THEN 'late_in_last_24_months' END,
                CASE WHEN NOT "criterion.NOT_IN_DEFAULT" THEN 'default_not_cured' END,
                CASE WHEN NOT "criterion.DEFAULT_CURED_92D" THEN 'default_too_recent' END,
                CASE WHEN NOT "criterion.RESTRUCTURED_366D" THEN 'restructuring_too_recent' END,
                CASE WHEN fails_utilisation THEN 'utilisation_high' END,
                CASE WHEN NOT "criterion.DEBT_SERVICE" THEN 'debt_service_high' END,
                CASE WHEN NOT "criterion.TURNOVER" THEN 'turnover_fell' END,
                CASE WHEN fails_enquiries THEN 'many_applications' END,
                CASE WHEN fails_alert AND closure_cause <> 'abnormal_behaviour' THEN 'alert_not_cleared' END,
                CASE WHEN NOT "criterion.PRODUCT_RUNNING" THEN 'product_paused' END,
                CASE WHEN fails_wait THEN 'closed_too_recently' END,
                CASE WHEN NOT ("criterion.REOPENED_1Y" AND "criterion.REOPENED_5Y") THEN 'reopened_too_often' END
            ]),
            -- Points lost, most first, ties in the scorecard's order: loss * 16 + (9 - place). A reason that a failed
            -- criterion of the cause has given stands above and is left out here.
            CASE WHEN is_short THEN list_select(
                [
                    'turnover_fell', 'income_source_not_shown', 'many_applications', 'other_debt_high',
                    'debt_service_high', 'utilisation_high', 'late_in_last_24_months', 'late_in_last_6_months',
                    'payment_history_short', 'bureau_score_low'
                ],
                list_transform(present(list_reverse_sort([
                    CASE WHEN "points.bureau_score" < 60 THEN (60 - "points.bureau_score") * 16 + 9 END,
                    CASE WHEN "points.on_time_streak_months" < 50 AND fails_on_time IS NOT TRUE
                        THEN (50 - "points.on_time_streak_months") * 16 + 8 END,
                    CASE WHEN "points.worst_late_6m_months" < 20 AND "criterion.LATE_6M" IS NOT FALSE
                        THEN (20 - "points.worst_late_6m_months") * 16 + 7 END,
                    CASE WHEN "points.worst_late_24m_months" < 30 AND "criterion.LATE_24M" IS NOT FALSE
                        THEN (30 - "points.worst_late_24m_months") * 16 + 6 END,
                    CASE WHEN "points.utilisation_bp" < 40 AND fails_utilisation IS NOT TRUE
                        THEN (40 - "points.utilisation_bp") * 16 + 5 END,
                    CASE WHEN "points.debt_service_to_income_bp" < 40 AND "criterion.DEBT_SERVICE" IS NOT FALSE
                        THEN (40 - "points.debt_service_to_income_bp") * 16 + 4 END,
                    CASE WHEN "points.other_debt_cents" < 20 THEN (20 - "points.other_debt_cents") * 16 + 3 END,
                    CASE WHEN "points.hard_enquiries_6m_count" < 25 AND fails_enquiries IS NOT TRUE
                        THEN (25 - "points.hard_enquiries_6m_count") * 16 + 2 END,
                    CASE WHEN "points.employment" < 20 THEN (20 - "points.employment") * 16 + 1 END,
                    CASE WHEN "points.turnover_change_bp" < 15 AND "criterion.TURNOVER" IS NOT FALSE
                        THEN (15 - "points.turnover_change_bp") * 16 END
                ])), lambda loss: loss % 16 + 1)
            ) ELSE []::VARCHAR[] END
        )
        WHEN found = 'initiator' THEN ['closed_at_customer_request']
        WHEN found = 'exclusion' THEN present([
            CASE WHEN deceased IS NOT DISTINCT FROM excluded THEN 'account_holder_deceased' END,
            CASE WHEN insolvency_open IS NOT DISTINCT FROM excluded THEN 'insolvency_open' END,
            CASE WHEN fraud_confirmed IS NOT DISTINCT FROM excluded THEN 'fraud_confirmed' END,
            CASE WHEN charged_off IS NOT DISTINCT FROM excluded THEN 'debt_charged_off' END,
            CASE WHEN sanctions_hit IS NOT DISTINCT FROM excluded THEN 'legal_restriction' END,
            CASE WHEN on_hardship_plan IS NOT DISTINCT FROM excluded THEN 'hardship_plan_running' END,
            CASE WHEN legal_action IS NOT DISTINCT FROM excluded THEN 'legal_action_pending' END,
            CASE WHEN product_withdrawn IS NOT DISTINCT FROM excluded THEN 'product_withdrawn' END,
            CASE WHEN objection IS NOT DISTINCT FROM excluded THEN 'person_decides' END
        ])
        WHEN found = 'freeze' THEN present([
            CASE WHEN students_wait IS NOT DISTINCT FROM frozen THEN 'group_restricted' END,
            CASE WHEN merchants_wait IS NOT DISTINCT FROM frozen THEN 'product_paused' END
        ])
        WHEN found = 'appeal' THEN ['appeal_pending']
        WHEN found = 'not_covered' THEN ['cause_not_covered']
        WHEN step = 'limit' THEN [CASE WHEN cap IS NULL THEN 'limit_cap_unknown' ELSE 'limit_below_floor' END]
        ELSE CASE closure_cause
            WHEN 'abnormal_behaviour' THEN present([
                CASE WHEN "criterion.ALERT_CLEARED" IS NULL THEN 'alert_not_cleared' END,
                CASE WHEN "criterion.ALERT_QUIET_180D" IS NULL THEN 'alert_cleared_recently' END,
                CASE WHEN "criterion.CURRENT" IS NULL THEN 'payment_overdue' END,
                CASE WHEN "criterion.ON_TIME_6M" IS NULL THEN 'payment_history_short' END,
                CASE WHEN "criterion.LATE_6M" IS NULL THEN 'late_in_last_6_months' END,
                CASE WHEN "criterion.LATE_24M" IS NULL THEN 'late_in_last_24_months' END,
                CASE WHEN "criterion.NOT_IN_DEFAULT" IS NULL THEN 'default_not_cured' END,
                CASE WHEN "criterion.DEFAULT_CURED_92D" IS NULL THEN 'default_too_recent' END,
                CASE WHEN "criterion.RESTRUCTURED_366D" IS NULL THEN 'restructuring_too_recent' END,
                CASE WHEN "criterion.DEBT_SERVICE" IS NULL THEN 'debt_service_high' END,
                CASE WHEN "criterion.TURNOVER" IS NULL THEN 'turnover_fell' END,
                CASE WHEN "criterion.ENQUIRIES_3M" IS NULL OR "criterion.ENQUIRIES_6M" IS NULL THEN 'many_applications' END,
                CASE WHEN "criterion.PRODUCT_RUNNING" IS NULL THEN 'product_paused' END
            ])
            ELSE present([
                CASE WHEN "criterion.CURRENT" IS NULL THEN 'payment_overdue' END,
                CASE WHEN "criterion.ON_TIME_3M" IS NULL AND closure_cause <> 'policy_tightening' THEN 'payment_history_short' END,
                CASE WHEN "criterion.LATE_6M" IS NULL THEN 'late_in_last_6_months' END,
                CASE WHEN "criterion.LATE_24M" IS NULL THEN 'late_in_last_24_months' END,
                CASE WHEN "criterion.NOT_IN_DEFAULT" IS NULL THEN 'default_not_cured' END,
                CASE WHEN "criterion.DEFAULT_CURED_92D" IS NULL THEN 'default_too_recent' END,
                CASE WHEN "criterion.RESTRUCTURED_366D" IS NULL THEN 'restructuring_too_recent' END,
                CASE WHEN "criterion.UTILISATION" IS NULL AND closure_cause <> 'policy_tightening' THEN 'utilisation_high' END,
                CASE WHEN "criterion.DEBT_SERVICE" IS NULL THEN 'debt_service_high' END,
                CASE WHEN "criterion.TURNOVER" IS NULL THEN 'turnover_fell' END,
                CASE WHEN ("criterion.ENQUIRIES_3M" IS NULL OR "criterion.ENQUIRIES_6M" IS NULL)
                    AND closure_cause <> 'policy_tightening' THEN 'many_applications' END,
                CASE WHEN "criterion.NO_OPEN_ALERT" IS NULL THEN 'alert_not_cleared' END,
                CASE WHEN "criterion.PRODUCT_RUNNING" IS NULL THEN 'product_paused' END
            ])
        END
    END AS reasons,
    CASE
        WHEN step = 'granted' THEN []::VARCHAR[]
        WHEN found = 'exclusion' AND excluded IS NULL THEN present([
            CASE WHEN deceased IS NULL THEN 'EX_DECEASED' END,
            CASE WHEN insolvency_open IS NULL THEN 'EX_INSOLVENCY' END,
            CASE WHEN fraud_confirmed IS NULL THEN 'EX_FRAUD' END,
            CASE WHEN charged_off IS NULL THEN 'EX_CHARGED_OFF' END,
            CASE WHEN sanctions_hit IS NULL THEN 'EX_SANCTIONS' END,
            CASE WHEN on_hardship_plan IS NULL THEN 'EX_HARDSHIP_PLAN' END,
            CASE WHEN legal_action IS NULL THEN 'EX_LEGAL_ACTION' END,
            CASE WHEN product_withdrawn IS NULL THEN 'EX_PRODUCT_WITHDRAWN' END,
            CASE WHEN objection IS NULL THEN 'EX_OBJECTION' END
        ])
        WHEN found = 'freeze' AND frozen IS NULL THEN present([
            CASE WHEN students_wait IS NULL THEN 'FZ_STUDENTS_TIGHTENED' END,
            CASE WHEN merchants_wait IS NULL THEN 'FZ_MERCHANT_YEAR_END' END
        ])
        WHEN step = 'limit' AND cap IS NULL THEN present([
            CASE WHEN cap_all_debt IS NULL THEN 'CAP_ALL_DEBT' END,
            CASE WHEN cap_one_line IS NULL THEN 'CAP_ONE_LINE' END
        ])
        WHEN found = 'unproven' THEN CASE closure_cause
            WHEN 'abnormal_behaviour' THEN present([
                CASE WHEN "criterion.ALERT_CLEARED" IS NULL THEN 'ALERT_CLEARED' END,
                CASE WHEN "criterion.ALERT_QUIET_180D" IS NULL THEN 'ALERT_QUIET_180D' END,
                CASE WHEN "criterion.CURRENT" IS NULL THEN 'CURRENT' END,
                CASE WHEN "criterion.ON_TIME_6M" IS NULL THEN 'ON_TIME_6M' END,
                CASE WHEN "criterion.LATE_6M" IS NULL THEN 'LATE_6M' END,
                CASE WHEN "criterion.LATE_24M" IS NULL THEN 'LATE_24M' END,
                CASE WHEN "criterion.NOT_IN_DEFAULT" IS NULL THEN 'NOT_IN_DEFAULT' END,
                CASE WHEN "criterion.DEFAULT_CURED_92D" IS NULL THEN 'DEFAULT_CURED_92D' END,
                CASE WHEN "criterion.RESTRUCTURED_366D" IS NULL THEN 'RESTRUCTURED_366D' END,
                CASE WHEN "criterion.DEBT_SERVICE" IS NULL THEN 'DEBT_SERVICE' END,
                CASE WHEN "criterion.TURNOVER" IS NULL THEN 'TURNOVER' END,
                CASE WHEN "criterion.ENQUIRIES_3M" IS NULL THEN 'ENQUIRIES_3M' END,
                CASE WHEN "criterion.ENQUIRIES_6M" IS NULL THEN 'ENQUIRIES_6M' END,
                CASE WHEN "criterion.PRODUCT_RUNNING" IS NULL THEN 'PRODUCT_RUNNING' END
            ])
            ELSE present([
                CASE WHEN "criterion.CURRENT" IS NULL THEN 'CURRENT' END,
                CASE WHEN "criterion.ON_TIME_3M" IS NULL AND closure_cause <> 'policy_tightening' THEN 'ON_TIME_3M' END,
                CASE WHEN "criterion.LATE_6M" IS NULL THEN 'LATE_6M' END,
                CASE WHEN "criterion.LATE_24M" IS NULL THEN 'LATE_24M' END,
                CASE WHEN "criterion.NOT_IN_DEFAULT" IS NULL THEN 'NOT_IN_DEFAULT' END,
                CASE WHEN "criterion.DEFAULT_CURED_92D" IS NULL THEN 'DEFAULT_CURED_92D' END,
                CASE WHEN "criterion.RESTRUCTURED_366D" IS NULL THEN 'RESTRUCTURED_366D' END,
                CASE WHEN "criterion.UTILISATION" IS NULL AND closure_cause <> 'policy_tightening' THEN 'UTILISATION' END,
                CASE WHEN "criterion.DEBT_SERVICE" IS NULL THEN 'DEBT_SERVICE' END,
                CASE WHEN "criterion.TURNOVER" IS NULL THEN 'TURNOVER' END,
                CASE WHEN "criterion.ENQUIRIES_3M" IS NULL AND closure_cause <> 'policy_tightening' THEN 'ENQUIRIES_3M' END,
                CASE WHEN "criterion.ENQUIRIES_6M" IS NULL AND closure_cause <> 'policy_tightening' THEN 'ENQUIRIES_6M' END,
                CASE WHEN "criterion.NO_OPEN_ALERT" IS NULL THEN 'NO_OPEN_ALERT' END,
                CASE WHEN "criterion.PRODUCT_RUNNING" IS NULL THEN 'PRODUCT_RUNNING' END
            ])
        END
        ELSE []::VARCHAR[]
    END AS unknown,
    COLUMNS('^criterion\.'),
    COLUMNS('^points\.')
FROM decided;
