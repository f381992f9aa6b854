export type { LeaseOptions } from '../follow/leased-checkpoints.js';
export { RedisCheckpoints, type RedisCheckpointsOptions } from './redis-checkpoints.js';
export type { RedisClient } from './redis-lease-table.js';
