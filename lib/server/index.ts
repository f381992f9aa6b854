export {
	type ArchiveServer,
	type ArchiveServerOptions,
	createArchiveServer,
} from './archive-server.js';
export type {
	AppliedFault,
	CutPoint,
	ExceptionShape,
	Fault,
	FaultCondition,
	FaultRule,
	FragmentChoice,
} from './faults/fault-rule.js';
export type { RequestRecord, ResponseRecord } from './http/request-record.js';
export type { ServerIdentity } from './http/server-identity.js';
export type { ServerLimits } from './http/server-limits.js';
export type { IngestSummary } from './ingest/ingest-summary.js';
export type { IngestOptions, LocalArchive } from './local-archive.js';
export type { LocalArchiveOptions } from './local-archive-options.js';
export type { MonotonicClock } from './monotonic-clock.js';
export type { QuotaValues } from './quotas/quota-values.js';
export { ServerMetrics } from './server-metrics.js';
export type { AccessKey } from './signature/access-key.js';
export type { LocalStream } from './store/local-stream.js';
export type { StreamMetadata } from './store/stream-metadata.js';
