export type { LeaseOptions } from '../follow/leased-checkpoints.js';
export { DynamoCheckpoints, type DynamoCheckpointsOptions } from './dynamo-checkpoints.js';
