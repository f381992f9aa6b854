/*
 * npm run bench:scale: the processor time that a job costs a worker, for test/bench/scale/costs.ts. The archive is a process of its
 * own, on plain HTTP; TLS adds a fifth of what receiving a MB costs (docs/quotas.md).
 */
import { KvsArchive } from 'kvs-archive';
import { record, START_SECONDS, scratch, serve } from '../recording.mjs';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

/** Jobs that are measured, after as many that are not. */
const JOBS = 60;
const FRAGMENTS = 10;
const SMALL = { stream: 'small', fragments: FRAGMENTS, frames: 50, frameBytes: 20 };
const LARGE = { stream: 'large', fragments: FRAGMENTS, frames: 50, frameBytes: 10_000 };
const FROM = new Date(START_SECONDS * 1000);
/** Later than every fragment. */
const END = new Date((START_SECONDS + 100) * 1000);
/** What is measured is not the waiting. */
const permit = { sent: () => {}, closed: () => {}, cancel: () => {} };
const limiter = { acquire: async () => permit };

const directory = scratch();
for (const recording of [SMALL, LARGE]) await record(directory, recording);
const { endpoint, stop } = await serve(directory);
const say = (line) => process.stdout.write(`${line}\n`);
const open = (streamName) => new KvsArchive({ streamName, endpoint, limiter });

/** Milliseconds of processor time that reading takes, and its calls, with an archive for each job or one that was open before. */
async function measure(streamName, from, kept) {
	let usage = process.cpuUsage();
	let calls = 0;
	for (let job = -JOBS; job < JOBS; job++) {
		if (job === 0) usage = process.cpuUsage();
		const archive = kept ?? open(streamName);
		const events = archive.events({ from, to: END, by: 'server' }, { padStart: false });
		for await (const _ of events.batches());
		({ calls } = await events.summary);
		if (archive !== kept) await archive.close();
	}
	const { user, system } = process.cpuUsage(usage);
	return { cpuMs: (user + system) / 1000 / JOBS, calls };
}

const kept = open('small');
const found = {
	'nothing, archive kept': await measure('small', END, kept),
	'nothing, archive opened': await measure('small', END),
	'10 small fragments, archive kept': await measure('small', FROM, kept),
	'10 large fragments, archive opened': await measure('large', FROM),
	'10 small fragments, archive opened': await measure('small', FROM),
};
await kept.close();
await stop();
for (const [what, { cpuMs, calls }] of Object.entries(found)) {
	say(`${what}: ${cpuMs.toFixed(1)} ms of processor time, ${calls} calls`);
}
const [keptNothing, nothing, keptSmall, large, small] = Object.values(found);
const moreMb = ((LARGE.frameBytes - SMALL.frameBytes) * LARGE.frames * FRAGMENTS) / 1e6;
const callMs = keptNothing.cpuMs / keptNothing.calls;
const mediaMs = keptSmall.cpuMs - callMs * keptSmall.calls;
say(`a call: ${callMs.toFixed(1)} ms`);
say(`opening an archive: ${(nothing.cpuMs - callMs * nothing.calls).toFixed(1)} ms, and its calls`);
say(`a fragment of ${SMALL.frames} frames: ${(mediaMs / FRAGMENTS).toFixed(2)} ms`);
say(`a MB: ${((large.cpuMs - small.cpuMs) / moreMb).toFixed(2)} ms`);
