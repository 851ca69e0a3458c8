with

quotes as (
    select * from {{ ref('stg_intake__quotes') }}
),

purchases as (
    select *
    from {{ ref('stg_chain__policy_purchases') }}
    qualify row_number() over (
        partition by quote_id order by block_at, chain_id, block_number, log_index
    ) = 1
),

products as (
    select * from {{ ref('product_versions') }}
),

bought as (
    select
        quotes.quote_id as policy_id,
        quotes.reference as policy_reference,
        coalesce(purchases.buyer, quotes.wallet) as wallet,
        quotes.account_id,
        quotes.product_version,
        quotes.inst_id,
        quotes.leverage,
        quotes.principal_micro_usdc,
        quotes.premium_micro_usdc,
        quotes.payout_rate_ppm,
        quotes.max_payout_micro_usdc,
        purchases.quote_id is not null as is_bought,
        purchases.chain_id,
        purchases.tx_hash as purchase_tx_hash,
        purchases.log_index as purchase_log_index,
        purchases.block_at as purchased_at,
        purchases.block_at + to_seconds(quotes.wait_seconds) as cover_start_at,
        purchases.block_at + to_seconds(quotes.wait_seconds + quotes.cover_seconds)
            as cover_end_at,
        purchases.block_at
        + to_seconds(quotes.wait_seconds + quotes.cover_seconds + quotes.filing_grace_seconds)
            as file_until_at,
        products.min_principal_micro_usdc,
        products.max_principal_micro_usdc,
        products.leverages,
        products.settle_currencies,
        products.covered_kinds,
        products.user_day_cap_micro_usdc,
        products.pool_day_cap_micro_usdc,
        products.claim_share_of_pool_ppm,
        products.claim_cap_micro_usdc,
        products.auto_approve_micro_usdc
    from quotes
    left join purchases on quotes.quote_id = purchases.quote_id
    left join products on quotes.product_version = products.product_version
)

select * from bought
