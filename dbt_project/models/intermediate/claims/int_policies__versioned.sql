-- Moves are in the order they were recorded; one that was read late takes effect before others and
-- stands in their place, so a state holds until the earliest of all that were recorded after it.
with

moves as (
    select * from {{ ref('stg_lifecycle__policy_txns') }}
),

quotes as (
    select * from {{ ref('stg_intake__quotes') }}
),

policies as (
    select * from {{ ref('int_policies__bought') }}
),

endorsements as (
    select * from {{ ref('stg_intake__endorsements') }}
),

bounded as (
    select
        policy_id,
        txn_no,
        to_state as state,
        moved_at,
        min(moved_at) over (
            partition by policy_id order by txn_no
            rows between 1 following and unbounded following
        ) as ended_at
    from moves
),

states as (
    select * from bounded where ended_at is null or moved_at < ended_at
),

valid_endorsements as (
    select endorsements.*
    from endorsements
    inner join policies
        on
            endorsements.policy_id = policies.policy_id
            and endorsements.signer = policies.wallet
            and (
                policies.cover_start_at is null
                or endorsements.effective_at < policies.cover_start_at
            )
),

terms as (
    select
        quote_id as policy_id,
        0 as endorsement_no,
        account_id,
        inst_id,
        leverage,
        timestamptz '1970-01-01 00:00:00+00' as agreed_at
    from quotes

    union all

    select
        policy_id,
        endorsement_no,
        account_id,
        inst_id,
        leverage,
        effective_at as agreed_at
    from valid_endorsements
),

bounded_terms as (
    select
        *,
        lead(agreed_at) over (partition by policy_id order by endorsement_no) as replaced_at
    from terms
),

crossed as (
    select
        states.policy_id,
        states.state,
        terms.endorsement_no,
        terms.account_id,
        terms.inst_id,
        terms.leverage,
        greatest(states.moved_at, terms.agreed_at) as valid_from_at,
        -- least() skips what is open.
        least(states.ended_at, terms.replaced_at) as valid_to_at
    from states
    inner join bounded_terms as terms
        on
            states.policy_id = terms.policy_id
            and (states.moved_at < terms.replaced_at or terms.replaced_at is null)
            and (states.ended_at > terms.agreed_at or states.ended_at is null)
),

-- A state that was left and entered again at one instant is one stretch.
marked as (
    select
        *,
        coalesce(
            state <> lag(state) over in_time
            or endorsement_no <> lag(endorsement_no) over in_time,
            true
        ) as is_new
    from crossed
    window in_time as (partition by policy_id order by valid_from_at)
),

numbered as (
    select
        *,
        count(*) filter (where is_new) over (
            partition by policy_id order by valid_from_at
        ) as stretch_no
    from marked
),

versioned as (
    select
        policy_id,
        stretch_no,
        any_value(state) as state,
        any_value(endorsement_no) as endorsement_no,
        any_value(account_id) as account_id,
        any_value(inst_id) as inst_id,
        any_value(leverage) as leverage,
        min(valid_from_at) as valid_from_at,
        arg_max_null(valid_to_at, valid_from_at) as valid_to_at
    from numbered
    group by policy_id, stretch_no
)

select * from versioned
