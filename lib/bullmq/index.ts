export { WorkerMetrics } from '../metrics/worker-metrics.js';
export { ArchiveQueue, type SubmitOptions } from './archive-queue.js';
export { ArchiveWorker } from './archive-worker.js';
export type { FollowJob, FollowWork } from './follow-job.js';
export type { FollowChange, FollowedStream, FollowManyOptions, UnfollowOptions } from './follow-schedule.js';
export type { FollowedFragment, FragmentHandler, TurnResult } from './follow-turn.js';
export type { HandlerSlice, SliceHandler } from './handler-module.js';
export { listStreams } from './list-streams.js';
export { pathFrom } from './places/path-below.js';
export type { QueueOptions } from './queue-connection.js';
export type { JobStream, SliceExportOptions, SliceFramesOptions, SliceJob, SliceWork } from './slice-job.js';
export type { SliceResult } from './slice-result.js';
export type {
	SliceOutcome,
	SliceProgress,
	Submission,
	SubmissionProgress,
	SubmissionSummary,
	WaitOptions,
} from './submission.js';
export type { ArchiveWorkerOptions, FollowTurn, SliceAttempt } from './worker-options.js';
