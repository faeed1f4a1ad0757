export * from "./agreement.js";
export * from "./contract.js";
export * from "./report.js";
export * from "./spread.js";
export * from "./workload/index.js";
