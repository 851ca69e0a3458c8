-- The position is the kind of position that was sold, at no more than the leverage that was sold.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

instruments as (
    select * from {{ ref('int_instruments__versioned') }}
),

compared as (
    select
        claims.*,
        claims.principal_micro_usdc
        between claims.min_principal_micro_usdc and claims.max_principal_micro_usdc
            as is_principal_sold,
        {{ leverage_is_sold('claims.policy_leverage', 'claims.leverages') }} as is_leverage_sold,
        claims.inst_id = claims.policy_inst_id as is_instrument_insured,
        instruments.inst_type = 'SWAP'
        and instruments.contract_type = 'linear'
        and instruments.contract_size > 0
        and list_contains(string_split(claims.settle_currencies, '|'), instruments.settle_currency)
            as is_linear_swap,
        claims.opening_leverage <= claims.policy_leverage
        and coalesce(claims.highest_leverage, claims.opening_leverage) <= claims.policy_leverage
            as is_leverage_kept
    from claims
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
            'and is_linear_swap and is_isolated and is_leverage_kept',
            'is_event_known and opened_at is not null'
        ) }} as result,
        is_event_known and opened_at is not null as is_applicable,
        concat_ws(
            ', ',
            'principal ' || principal_micro_usdc || ' micro-USDC',
            'policy leverage ' || policy_leverage,
            'opened at leverage ' || opening_leverage,
            'highest ' || highest_leverage,
            inst_id,
            case
                when is_linear_swap then 'linear swap'
                when not is_linear_swap then 'not a linear swap'
                else 'instrument or contract size unknown'
            end,
            if(is_isolated, 'isolated', 'not isolated')
        ) as observed,
        concat_ws(
            ', ',
            'principal ' || min_principal_micro_usdc || ' to ' || max_principal_micro_usdc,
            'leverage ' || leverages || ' and at most ' || policy_leverage,
            policy_inst_id,
            'isolated linear ' || settle_currencies || ' swap'
        ) as expected,
        {{ evidence_ids('evidence_hashes') }} as evidence_ids
    from compared
)

select * from checked
