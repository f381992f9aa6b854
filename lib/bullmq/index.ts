export { ArchiveQueue, type SubmitOptions } from './archive-queue.js';
export { ArchiveWorker, type ArchiveWorkerOptions, type SliceAttempt } from './archive-worker.js';
export type { HandlerSlice, SliceHandler } from './handler-module.js';
export { pathFrom } from './path-below.js';
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
