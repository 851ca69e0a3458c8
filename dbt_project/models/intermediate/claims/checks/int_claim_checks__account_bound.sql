-- The account answers with the uid the policy's wallet signed for, at the time of the close.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

bindings as (
    select * from {{ ref('stg_intake__bindings') }}
),

-- A binding signed later changes nothing about a close before it.
bound as (
    select
        claims.claim_id,
        arg_max(bindings.uid, (bindings.created_at, bindings.binding_id)) as bound_uid,
        arg_max(bindings.signer, (bindings.created_at, bindings.binding_id)) as signer,
        max_by(bindings.binding_id, (bindings.created_at, bindings.binding_id)) as binding_id
    from claims
    inner join bindings
        on
            claims.account_id = bindings.account_id
            and coalesce(claims.liquidated_at, claims.filed_at) >= bindings.created_at
    group by claims.claim_id
),

judged as (
    select
        claims.*,
        bound.binding_id,
        bound.signer,
        bound.bound_uid,
        coalesce(bound.bound_uid = claims.venue_uid, false) as is_uid_bound,
        coalesce(bound.signer = claims.wallet, false) as is_wallet_bound,
        claims.filing_id is null or claims.claimed_by = claims.wallet as is_claimed_by_holder
    from claims
    left join bound on claims.claim_id = bound.claim_id
),

checked as (
    select
        claim_id,
        'ACCOUNT_BOUND' as check_code,
        {{ check_result(
            'is_uid_bound and is_wallet_bound and is_claimed_by_holder', 'has_config'
        ) }} as result,
        has_config as is_applicable,
        concat_ws(
            ', ',
            if(is_uid_bound, 'the account uid is bound', 'the account uid is not the one bound'),
            'bound by ' || coalesce(signer, 'nobody'),
            'claimed by ' || claimed_by
        ) as observed,
        'the account uid bound, and claimed, by ' || wallet as expected,
        array_to_string(
            list_filter(
                [
                    'reply:' || config_reply_sha256,
                    'binding:' || binding_id,
                    'filing:' || filing_id
                ],
                lambda id: id is not null
            ),
            ','
        ) as evidence_ids
    from judged
)

select * from checked
