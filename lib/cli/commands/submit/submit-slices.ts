import type {
	SliceOutcome,
	SliceWork,
	Submission,
	SubmissionProgress,
	SubmissionSummary,
} from '../../../bullmq/index.js';
import { InvalidOptionError } from '../../../index.js';
import { counted } from '../../../wording/counted.js';
import { type ArchiveCommandOptions, rangeOf } from '../../archive-options.js';
import type { CommandContext } from '../../command-context.js';
import { parseDuration } from '../../duration.js';
import { EXIT } from '../../exit.js';
import { ProgressBar } from '../../progress-bar.js';
import { type JobOutputOptions, jobOutputOf } from './job-output.js';
import { openQueue } from './open-queue.js';

/** Options of every `submit` of a range. */
export interface SliceCommandOptions extends ArchiveCommandOptions, JobOutputOptions {
	readonly redis: string;
	readonly queue?: string;
	readonly slice: string;
	readonly wait?: true;
}

/** Puts the slices of a range into a queue, and waits for them where that is wanted. */
export async function submitSlices(
	work: SliceWork,
	options: SliceCommandOptions,
	context: CommandContext,
): Promise<number> {
	const { stream: streamName, streamArn, endpoint, region, profile, json } = options;
	const { terminal, signal, nowMs } = context;
	const sliceMs = parseDuration(options.slice);
	if (sliceMs === null || sliceMs < 1) {
		throw new InvalidOptionError('--slice', 'a length of time such as 10m', options.slice);
	}
	await using queue = openQueue(options, terminal);
	const submission = await queue.submit({
		stream: { streamName, streamArn, endpoint, region },
		range: rangeOf(options, nowMs),
		sliceMs: Math.ceil(sliceMs),
		work,
		output: jobOutputOf(options),
		client: { profile },
		signal,
	});
	const slices = submission.jobs.length;
	if (options.wait === undefined) {
		if (json) await terminal.writeJson([{ type: 'submitted', slices }]);
		else terminal.say(`submitted ${counted(slices, 'slice')}`);
		return EXIT.done;
	}
	const summary = await waitFor(submission, options, context);
	const { outcomes, ...rest } = summary;
	if (json) await terminal.writeJson([{ type: 'summary', ...rest }]);
	else {
		terminal.sayFragments(summary.failures);
		for (const { from, to, error } of outcomes) {
			if (error !== null) terminal.say(`slice ${from} to ${to}: ${error}`);
		}
		terminal.say(summaryLine(summary));
	}
	return summary.isComplete ? EXIT.done : EXIT.incomplete;
}

async function waitFor(
	submission: Submission,
	{ json }: SliceCommandOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<SubmissionSummary> {
	const bar = new ProgressBar(process.stderr);
	const done: SliceOutcome[] = [];
	try {
		const summary = await submission.wait({
			signal,
			onProgress: (progress) => bar.update(asOfOneRun(progress, Date.now() - nowMs)),
			onOutcome: (outcome) => done.push(outcome),
		});
		if (json) await terminal.writeJson(done.map((outcome) => ({ type: 'slice', ...outcome })));
		return summary;
	} finally {
		bar.stop();
	}
}

/** The progress of all slices, as the bar shows that of one run. */
function asOfOneRun(progress: SubmissionProgress, elapsedMs: number): Parameters<ProgressBar['update']>[0] {
	const { fragments, delivered, failed, missing, bytes } = progress;
	const fraction = Math.min(1, (delivered + failed + missing) / Math.max(1, fragments));
	return {
		...progress,
		skipped: 0,
		frames: 0,
		retries: 0,
		elapsedMs,
		fraction,
		bytesPerSecond: (bytes * 1000) / Math.max(1, elapsedMs),
		remainingMs: fraction === 0 ? null : (elapsedMs * (1 - fraction)) / fraction,
	};
}

function summaryLine(summary: SubmissionSummary): string {
	const { slices, slicesFailed, slicesKnown, fragments, delivered, frames, bytes, pictures } = summary;
	const parts = [
		`${slices - slicesFailed} of ${counted(slices, 'slice')}`,
		`${delivered} of ${counted(fragments, 'fragment')}`,
		...(pictures > 0 ? [counted(pictures, 'picture')] : []),
		...(frames > 0 ? [counted(frames, 'frame'), counted(bytes, 'byte')] : []),
		...(slicesKnown > 0 ? [`${counted(slicesKnown, 'slice')} done before`] : []),
		...(summary.failed > 0 ? [`${summary.failed} failed`] : []),
		...(summary.missing > 0 ? [`${summary.missing} missing`] : []),
		...(summary.skipped > 0 ? [`${summary.skipped} left out by --where`] : []),
		...(summary.pictureFailures > 0
			? [`${counted(summary.pictureFailures, 'frame')} could not be decoded`]
			: []),
	];
	return `done: ${parts.join(', ')}`;
}
