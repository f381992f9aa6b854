export type { Check, CheckState } from './check.js';
export { examine } from './examine.js';
