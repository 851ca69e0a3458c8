with

quotes as (
    select * from {{ ref('stg_intake__quotes') }}
),

-- The first purchase of a quote counts; a later one is a payment that bought nothing.
purchases as (
    select *
    from {{ ref('stg_chain__policy_purchases') }}
    qualify row_number() over (
        partition by quote_id order by block_at, chain_id, block_number, log_index
    ) = 1
),

cancellations as (
    select *
    from {{ ref('stg_chain__policy_cancellations') }}
    qualify row_number() over (
        partition by chain_id, quote_id order by block_at, block_number, log_index
    ) = 1
),

endorsements as (
    select * from {{ ref('stg_intake__endorsements') }}
),

products as (
    select * from {{ ref('product_versions') }}
),

-- A purchase that is not as quoted insures nothing.
as_quoted as (
    select
        quotes.*,
        purchases.chain_id,
        purchases.tx_hash,
        purchases.log_index,
        purchases.block_at as purchased_at,
        purchases.block_at + to_seconds(quotes.wait_seconds) as cover_start_at
    from quotes
    left join purchases
        on
            quotes.quote_id = purchases.quote_id
            and quotes.wallet = purchases.buyer
            and quotes.premium_micro_usdc = purchases.premium_micro_usdc
            and quotes.max_payout_micro_usdc = purchases.max_payout_micro_usdc
            and quotes.terms_hash = purchases.terms_hash
),

-- What the holder changed before the cover began; a change signed later changes nothing.
endorsed as (
    select
        endorsements.policy_id,
        endorsements.account_id,
        endorsements.inst_id,
        endorsements.leverage
    from endorsements
    inner join as_quoted
        on
            endorsements.policy_id = as_quoted.quote_id
            and endorsements.signer = as_quoted.wallet
            and (
                as_quoted.cover_start_at is null
                or endorsements.effective_at < as_quoted.cover_start_at
            )
    qualify row_number() over (
        partition by endorsements.policy_id order by endorsements.endorsement_no desc
    ) = 1
),

bought as (
    select
        quotes.quote_id as policy_id,
        quotes.reference as policy_reference,
        quotes.wallet,
        coalesce(endorsed.account_id, quotes.account_id) as account_id,
        quotes.product_version,
        coalesce(endorsed.inst_id, quotes.inst_id) as inst_id,
        coalesce(endorsed.leverage, quotes.leverage) as leverage,
        quotes.principal_micro_usdc,
        quotes.premium_micro_usdc,
        quotes.payout_rate_ppm,
        quotes.max_payout_micro_usdc,
        quotes.expected_loss_micro_usdc,
        quotes.tx_hash is not null as is_bought,
        quotes.chain_id,
        quotes.tx_hash as purchase_tx_hash,
        quotes.log_index as purchase_log_index,
        quotes.purchased_at,
        cancellations.block_at as cancelled_at,
        cancellations.refund_micro_usdc,
        quotes.cover_start_at,
        -- A cancelled policy covers nothing: its cover ends where it would have begun.
        quotes.cover_start_at
        + to_seconds(if(cancellations.quote_id is null, quotes.cover_seconds, 0)) as cover_end_at,
        quotes.filing_grace_seconds,
        products.min_principal_micro_usdc,
        products.max_principal_micro_usdc,
        products.leverages,
        products.settle_currencies,
        products.covered_kinds,
        products.user_day_cap_micro_usdc,
        products.pool_day_cap_micro_usdc,
        products.claim_share_of_pool_ppm,
        products.claim_cap_micro_usdc,
        products.auto_approve_micro_usdc,
        products.appeal_seconds
    from as_quoted as quotes
    left join cancellations
        on
            quotes.quote_id = cancellations.quote_id
            and quotes.chain_id = cancellations.chain_id
            and quotes.purchased_at <= cancellations.block_at
            and quotes.cover_start_at > cancellations.block_at
    left join endorsed on quotes.quote_id = endorsed.policy_id
    left join products on quotes.product_version = products.product_version
),

dated as (
    select
        * exclude (filing_grace_seconds),
        cover_end_at + to_seconds(filing_grace_seconds) as file_until_at
    from bought
)

select * from dated
