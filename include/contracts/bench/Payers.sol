// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

/// @dev Other ways to pay many people, for the gas benchmark alone. Each is what its kind does at
/// least: none of them checks signatures, limits or solvency, none survives a refused transfer.

/// @dev The plain loop most multi-senders use: pull the sum, then one checked transfer each.
contract DisperseLoop {
    function disperse(IERC20 token, address[] calldata recipients, uint256[] calldata amounts) external {
        uint256 total;
        for (uint256 i = 0; i < recipients.length; ++i) total += amounts[i];
        require(token.transferFrom(msg.sender, address(this), total));
        for (uint256 i = 0; i < recipients.length; ++i) {
            require(token.transfer(recipients[i], amounts[i]));
        }
    }
}

/// @dev The technique GasliteDrop published: the sum comes with the call, one calldata frame in
/// scratch memory serves every transfer, both arrays are walked by one offset, and a transfer's
/// answer is not read.
contract TightDrop {
    function drop(
        address token,
        address[] calldata recipients,
        uint256[] calldata amounts,
        uint256 total
    ) external payable {
        assembly {
            if xor(recipients.length, amounts.length) { revert(0, 0) }
            mstore(0x00, shl(224, 0x23b872dd)) // transferFrom(address,address,uint256)
            mstore(0x04, caller())
            mstore(0x24, address())
            mstore(0x44, total)
            if iszero(call(gas(), token, 0, 0x00, 0x64, 0, 0)) { revert(0, 0) }

            mstore(0x00, shl(224, 0xa9059cbb)) // transfer(address,uint256)
            let at := recipients.offset
            let end := add(at, shl(5, recipients.length))
            let toAmount := sub(amounts.offset, at)
            for {} 1 {} {
                mstore(0x04, calldataload(at))
                mstore(0x24, calldataload(add(at, toAmount)))
                if iszero(call(gas(), token, 0, 0x00, 0x44, 0, 0)) { revert(0, 0) }
                at := add(at, 0x20)
                if iszero(lt(at, end)) { break }
            }
        }
    }
}

/// @dev A pool that keeps one storage slot a claim, so that no claim is paid twice.
contract MappingPayer is Ownable {
    IERC20 private immutable TOKEN;
    mapping(uint256 claimId => bool) private _isPaid;

    constructor(IERC20 token) Ownable(msg.sender) {
        TOKEN = token;
    }

    function pay(
        uint256[] calldata claimIds,
        address[] calldata recipients,
        uint256[] calldata amounts
    ) external onlyOwner {
        for (uint256 i = 0; i < claimIds.length; ++i) {
            require(!_isPaid[claimIds[i]]);
            _isPaid[claimIds[i]] = true;
            require(TOKEN.transfer(recipients[i], amounts[i]));
        }
    }
}

/// @dev Publishes a root; every claimant fetches his money with a proof in a transaction of his own.
contract MerkleClaims is Ownable {
    using BitMaps for BitMaps.BitMap;

    IERC20 private immutable TOKEN;
    mapping(uint256 round => bytes32) private _rootOf;
    mapping(uint256 round => BitMaps.BitMap) private _claimed;

    constructor(IERC20 token) Ownable(msg.sender) {
        TOKEN = token;
    }

    function publish(uint256 round, bytes32 root) external onlyOwner {
        _rootOf[round] = root;
    }

    function claim(
        uint256 round,
        uint256 index,
        address recipient,
        uint256 amount,
        bytes32[] calldata proof
    ) external {
        require(!_claimed[round].get(index));
        bytes32 leaf = keccak256(abi.encode(index, recipient, amount));
        require(MerkleProof.verifyCalldata(proof, _rootOf[round], leaf));
        _claimed[round].set(index);
        require(TOKEN.transfer(recipient, amount));
    }
}
