// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VM} from "../src/Cheats.sol";
import {IPool, IToken} from "../src/IPool.sol";
import {PoolHandler} from "../src/PoolHandler.sol";

/// @dev What holds after any sequence of calls by anybody.
contract PoolInvariantsTest {
    PoolHandler private _handler;
    IPool private _pool;
    IToken private _token;

    function setUp() public {
        _handler = new PoolHandler();
        _pool = IPool(_handler.poolAddress());
        _token = IToken(_handler.tokenAddress());
    }

    /// @dev forge asks this whom to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev One function, so that one sequence of calls is held to every rule.
    function invariant_the_pool_keeps_its_promises() external view {
        _balanceIsWhatCameInLessWhatWentOut();
        _noClaimIsPaidTwice();
        _refusedPayoutsAreWhatIsOwed();
        _whatIsReservedAndOwedIsNeverSpent();
        _limitsAreKept();
        _onlyRolesChangeAnything();
        _onlyWhatVerifiersSignedIsPaid();
        _withdrawalsWaitAndGoToAllowedAccounts();
        _nothingLeavesWhilePaused();
        _noQuoteIsSoldTwice();
        _refundsAreTheUnusedShareOfThePremium();
    }

    function _balanceIsWhatCameInLessWhatWentOut() private view {
        uint256 came = _handler.deposits() + _handler.premiums() + _handler.donated();
        uint256 went = _handler.payouts() + _handler.withdrawals() + _handler.rescues()
            + _handler.refunds();
        require(_token.balanceOf(address(_pool)) == came - went, "balance");
        (uint256 held, uint256 expected) = _handler.recipientBalances();
        require(held == expected, "somebody got more or less than his claims");
    }

    function _noClaimIsPaidTwice() private view {
        require(_handler.paidTwice() == 0, "a claim was paid twice");
        require(_pool.nextBatch() == _handler.batches() + 1, "batches");
        require(_pool.nextClaim() == _handler.claims() + 1, "claims");
        for (uint256 claim = 0; claim <= _handler.claims() + 1; ++claim) {
            require(_pool.isSettled(claim) == (_handler.timesPaid(claim) == 1), "settled or not");
        }
    }

    function _refusedPayoutsAreWhatIsOwed() private view {
        uint256 sum;
        for (uint256 claim = 1; claim <= _handler.claims(); ++claim) {
            sum += uint64(_pool.refusedOf(claim) >> 160);
        }
        require(sum == _pool.owed() && sum == _handler.owedNow(), "owed");
    }

    function _whatIsReservedAndOwedIsNeverSpent() private view {
        require(_handler.overspent() == 0, "spent below what is reserved and owed");
    }

    function _limitsAreKept() private view {
        require(_handler.overBatchLimit() == 0, "a batch above its limit");
        require(_handler.overDailyLimit() == 0, "a day above its limit");
        uint256 today = VM.getBlockTimestamp() / 1 days;
        require(_pool.spentToday() == _handler.paidOn(today), "the day's payouts");
        require(_pool.withdrawnToday() == _handler.withdrawnOn(today), "the day's withdrawals");
    }

    function _onlyRolesChangeAnything() private view {
        require(_handler.intrusions() == 0, "somebody without the role did it");
    }

    function _onlyWhatVerifiersSignedIsPaid() private view {
        require(_handler.forgeries() == 0, "a batch nobody signed like that");
    }

    function _withdrawalsWaitAndGoToAllowedAccounts() private view {
        require(_handler.badWithdrawals() == 0, "too early, or to somebody not allowed");
    }

    function _nothingLeavesWhilePaused() private view {
        require(_handler.paidWhilePaused() == 0, "paid while paused");
    }

    function _noQuoteIsSoldTwice() private view {
        require(_handler.soldTwice() == 0, "one quote, two policies");
    }

    function _refundsAreTheUnusedShareOfThePremium() private view {
        require(_handler.badRefunds() == 0, "a refund too late, twice, or of another amount");
        require(_handler.refunds() <= _handler.premiums(), "more given back than was paid");
    }
}
