export type { LeaseOptions } from '../follow/leased-checkpoints.js';
export { RedisCheckpoints, type RedisCheckpointsOptions } from './redis-checkpoints.js';
export type { RedisClient } from './redis-connection.js';
export { createRedisLimiter, type RedisLimiter, type RedisLimiterOptions } from './redis-limiter.js';
