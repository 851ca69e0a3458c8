// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The few cheat codes of forge these tests use.
interface Vm {
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function assume(bool condition) external pure;
    function getBlockTimestamp() external view returns (uint256);
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key)
        external
        pure
        returns (bytes memory);
}

Vm constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

/// @dev Deploys a committed artefact: what is fuzzed is what is deployed.
function deployed(string memory path, bytes memory arguments) returns (address made) {
    string memory json = VM.readFile(string.concat("artifacts/", path, ".json"));
    bytes memory code = bytes.concat(VM.parseJsonBytes(json, ".bytecode"), arguments);
    assembly ("memory-safe") {
        made := create(0, add(code, 0x20), mload(code))
    }
    require(made != address(0), path);
}
