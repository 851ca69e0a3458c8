// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VM, deployed} from "./Cheats.sol";
import {IPool, IToken} from "./IPool.sol";
import {PoolTypes} from "../../src/PoolTypes.sol";

/// @dev A funded pool with one holder for each role, three verifiers, and what it takes to sign.
abstract contract PoolWorld {
    uint64 internal constant USDC = 1_000_000;
    uint64 internal constant BATCH_LIMIT = 5_000 * USDC;
    uint64 internal constant DAILY_LIMIT = 8_000 * USDC;
    uint64 internal constant WITHDRAWAL_LIMIT = 2_000 * USDC;
    uint32 internal constant DELAY = 2 days;
    uint256 internal constant WITHHELD = 1 << 255;
    uint256 internal constant QUOTER_KEY = 77;
    bytes32 internal constant ROOT = bytes32(uint256(7));

    address internal constant PROPOSER = address(0xa1);
    address internal constant TREASURER = address(0xa2);
    address internal constant LISTER = address(0xa3);
    address internal constant PAUSER = address(0xa4);
    address internal constant RESCUER = address(0xa5);
    address internal constant CANCELLER = address(0xa6);
    address internal constant RESERVER = address(0xa7);
    address internal constant STRANGER = address(0xa8);

    IToken internal token;
    IPool internal pool;
    uint256[3] internal verifierKeys; // ascending by address

    function _makeWorld(address token_) internal {
        VM.warp(1_767_571_200); // 2026-01-05
        token = IToken(token_);
        pool = IPool(
            deployed(
                "LeverageGuardPool",
                abi.encode(token, address(this), BATCH_LIMIT, DAILY_LIMIT, uint8(2))
            )
        );
        pool.setWithdrawalTerms(WITHDRAWAL_LIMIT, DELAY);
        _makeVerifiers();
        pool.grantRole(keccak256("QUOTER_ROLE"), VM.addr(QUOTER_KEY));
        pool.grantRole(keccak256("PROPOSER_ROLE"), PROPOSER);
        pool.grantRole(keccak256("TREASURER_ROLE"), TREASURER);
        pool.grantRole(keccak256("LISTER_ROLE"), LISTER);
        pool.grantRole(keccak256("PAUSER_ROLE"), PAUSER);
        pool.grantRole(keccak256("RESCUER_ROLE"), RESCUER);
        pool.grantRole(keccak256("CANCELLER_ROLE"), CANCELLER);
        pool.grantRole(keccak256("RESERVER_ROLE"), RESERVER);
    }

    function _makeVerifiers() private {
        verifierKeys = [uint256(1001), 1002, 1003];
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = i + 1; j < 3; ++j) {
                (uint256 a, uint256 b) = (verifierKeys[i], verifierKeys[j]);
                if (VM.addr(a) > VM.addr(b)) (verifierKeys[i], verifierKeys[j]) = (b, a);
            }
            pool.grantRole(keccak256("VERIFIER_ROLE"), VM.addr(verifierKeys[i]));
        }
    }

    function _recipient(uint256 number) internal pure returns (address) {
        return address(uint160(0xbeef00 + number));
    }

    function _word(uint256 amount, address to) internal pure returns (uint256) {
        return amount << 160 | uint160(to);
    }

    function _batch(uint256 total) internal view returns (PoolTypes.Batch memory) {
        return PoolTypes.Batch({
            batchNo: pool.nextBatch(),
            firstClaim: pool.nextClaim(),
            listVersion: pool.listVersion(),
            deadline: uint64(VM.getBlockTimestamp() + 600),
            total: total,
            evidenceRoot: ROOT
        });
    }

    function _domain() internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("LeverageGuardPool"),
                keccak256("1"),
                block.chainid,
                address(pool)
            )
        );
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked("\x19\x01", _domain(), structHash));
    }

    function _batchDigest(PoolTypes.Batch memory batch, uint256[] memory words)
        internal
        view
        returns (bytes32)
    {
        bytes32 kind = keccak256(
            "Batch(uint64 batchNo,uint64 firstClaim,uint64 listVersion,uint64 deadline,uint256 total,bytes32 evidenceRoot,bytes32 payoutsHash)"
        );
        return _digest(keccak256(abi.encode(kind, batch, keccak256(abi.encodePacked(words)))));
    }

    function _rescueDigest(uint256 claimIndex, address to, uint256 amount, uint64 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 kind =
            keccak256("Rescue(uint256 claimIndex,address recipient,uint256 amount,uint64 deadline)");
        return _digest(keccak256(abi.encode(kind, claimIndex, to, amount, deadline)));
    }

    function _quoteDigest(PoolTypes.Quote memory quote) internal view returns (bytes32) {
        bytes32 kind = keccak256(
            "Quote(bytes32 quoteId,address buyer,uint256 premium,uint256 maxPayout,uint64 coverSeconds,uint64 waitSeconds,uint64 deadline,bytes32 termsHash)"
        );
        return _digest(keccak256(abi.encode(kind, quote)));
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev By the first two verifiers, in the order the pool wants.
    function _signed(bytes32 digest) internal view returns (bytes[] memory signatures) {
        signatures = new bytes[](2);
        for (uint256 i = 0; i < 2; ++i) signatures[i] = _sign(verifierKeys[i], digest);
    }
}
