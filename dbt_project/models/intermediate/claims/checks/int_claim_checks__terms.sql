-- The position is the kind of position that was sold, at no more than the leverage that was sold.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

instruments as (
    select * from {{ ref('int_instruments__versioned') }}
),

settings as (
    select * from {{ ref('stg_exchanges__leverages') }}
),

-- What the account was set to since the cover began, whether or not an order used it.
set_since as (
    select
        claims.claim_id,
        max(settings.leverage) as set_leverage
    from claims
    inner join settings
        on
            claims.exchange = settings.exchange
            and claims.account_id = settings.account_id
            and claims.inst_id = settings.inst_id
            and settings.position_slot in ('net', claims.position_slot)
            and settings.taken_at between claims.cover_start_at and claims.liquidated_at
    group by claims.claim_id
),

compared as (
    select
        claims.*,
        claims.principal_micro_usdc
        between claims.min_principal_micro_usdc and claims.max_principal_micro_usdc
            as is_principal_sold,
        {{ leverage_is_sold('claims.policy_leverage', 'claims.leverages') }} as is_leverage_sold,
        claims.inst_id = claims.policy_inst_id as is_instrument_insured,
        instruments.inst_type = 'perpetual'
        and instruments.contract_type = 'linear'
        and instruments.contract_size > 0
        and list_contains(string_split(claims.settle_currencies, '|'), instruments.settle_currency)
            as is_linear_perpetual,
        -- The greatest of those known; unknown only when the opening's is.
        case
            when claims.opening_leverage is not null
                then
                    greatest(
                        claims.opening_leverage, claims.highest_leverage, set_since.set_leverage
                    )
        end as most_leverage,
        most_leverage <= claims.policy_leverage as is_leverage_kept
    from claims
    left join set_since on claims.claim_id = set_since.claim_id
    left join instruments
        on
            claims.exchange = instruments.exchange
            and claims.inst_id = instruments.inst_id
            and claims.liquidated_at >= instruments.valid_from_at
            and claims.liquidated_at < instruments.valid_to_at
),

checked as (
    select
        claim_id,
        'TERMS' as check_code,
        {{ check_result(
            'is_principal_sold and is_leverage_sold and is_instrument_insured '
            'and is_linear_perpetual and is_isolated and is_leverage_kept',
            'is_event_known and opened_at is not null'
        ) }} as result,
        is_event_known and opened_at is not null as is_applicable,
        concat_ws(
            ', ',
            'principal ' || principal_micro_usdc || ' micro-USDC',
            'policy leverage ' || policy_leverage,
            'opened at leverage ' || opening_leverage,
            'highest ' || most_leverage,
            inst_id,
            case
                when is_linear_perpetual then 'linear perpetual'
                when not is_linear_perpetual then 'not a linear perpetual'
                else 'instrument or contract size unknown'
            end,
            if(is_isolated, 'isolated', 'not isolated')
        ) as observed,
        concat_ws(
            ', ',
            'principal ' || min_principal_micro_usdc || ' to ' || max_principal_micro_usdc,
            'leverage ' || leverages || ' and at most ' || policy_leverage,
            policy_inst_id,
            'isolated linear ' || settle_currencies || ' perpetual'
        ) as expected,
        {{ evidence_ids('evidence_hashes') }} as evidence_ids
    from compared
)

select * from checked
