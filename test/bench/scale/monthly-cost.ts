import { WORKER } from './costs.js';
import type { FollowOutcome } from './follow-run.js';
import { HOURS_A_MONTH, PRICES } from './prices.js';

const SECONDS_A_MONTH = HOURS_A_MONTH * 3600;

/** Assumed of a Lambda function: its memory, which gives it a core, and how long a job takes beside what its processor does. */
const LAMBDA_GB = 1.769;
const LAMBDA_WAITS_S = 0.3;

/** Operations a second that a node of Valkey does with scripts and room to spare: assumed. */
const NODE_OPERATIONS_PER_SECOND = 40_000;

/** Dollars a month. */
export function monthlyCost({
	streams,
	workers,
	outcome,
	intervalMs,
	bytesPerSecond,
}: {
	readonly streams: number;
	readonly workers: number;
	readonly outcome: FollowOutcome;
	readonly intervalMs: number;
	readonly bytesPerSecond: number;
}): Readonly<Record<'fargate' | 'lambda' | 'nodes' | 'read' | 'stored', number>> {
	const { fargateVcpuHour, fargateGbHour } = PRICES;
	const jobs = (streams * SECONDS_A_MONTH * 1000) / intervalMs;
	const processorS = (outcome.load * workers * SECONDS_A_MONTH) / jobs;
	const operationsPerSecond = outcome.redisOperations / outcome.seconds;
	const gb = (streams * bytesPerSecond * SECONDS_A_MONTH) / 1e9;
	const dayGb = (streams * bytesPerSecond * 86_400) / 1e9;
	return {
		fargate: workers * HOURS_A_MONTH * (WORKER.vcpus * fargateVcpuHour + WORKER.memoryGb * fargateGbHour),
		lambda:
			jobs *
			(PRICES.lambdaMillionRequests / 1e6 +
				(processorS + LAMBDA_WAITS_S) * LAMBDA_GB * PRICES.lambdaGbSecond),
		nodes:
			// One, and its replica.
			2 * Math.ceil(operationsPerSecond / NODE_OPERATIONS_PER_SECOND) * PRICES.valkeyNodeHour * HOURS_A_MONTH,
		read: gb * PRICES.videoReadGb,
		stored: gb * PRICES.videoIngestedGb + dayGb * PRICES.videoStoredGbMonth,
	};
}
