import { getEventListeners } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ArchiveClient } from 'kvs-archive';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { startMeddler } from '../helpers/service/meddler.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { StandstillClock } from '../helpers/standstill-clock.js';

const short = between(0, 800_000);
const range = { fromMs: startMs, toMs: startMs + 800_000, by: 'producer' } as const;
const RESPONSE_TIMEOUT_MS = 60_000;

interface Stalling {
	readonly endpoint: string;
	readonly clock: StandstillClock;
	/** How many responses were begun and not ended. */
	readonly stalled: () => number;
}

/** By then the headers of a response that was just begun, and the first of what it says, are with the client. */
async function soon(): Promise<void> {
	for (let turn = 0; turn < 20; turn++) await setImmediate();
}

/** An archive of three fragments whose responses to `stalledPath` stop in their middle, `times` times. */
async function stallingArchive(
	t: ExecutionContext,
	stalledPath: string,
	{ times, onStall }: { times: number; onStall: (clock: StandstillClock) => void },
): Promise<Stalling> {
	const archive = await startArchive(t, { door: recording(3) });
	const clock = new StandstillClock(startMs);
	let stalled = 0;
	const endpoint = await startMeddler(t, archive, ({ path, nth, body }) => {
		if (path !== stalledPath || nth >= times) return null;
		stalled++;
		void soon().then(() => onStall(clock));
		return { body: body.subarray(0, body.length / 2), hang: true };
	});
	return { endpoint, clock, stalled: () => stalled };
}

for (const path of ['/listFragments', '/getDataEndpoint']) {
	test(`${path}: a response that stops in its middle times out and its request is retried`, async (t) => {
		const { endpoint, clock, stalled } = await stallingArchive(t, path, {
			times: 2,
			onStall: (stalledClock) => stalledClock.advance(RESPONSE_TIMEOUT_MS),
		});
		const archive = openArchive(t, endpoint, { clock });
		const found: string[] = [];
		for await (const { fragmentNumber: number } of archive.fragments(short)) found.push(number);
		t.deepEqual(found, [1, 2, 3].map(fragmentNumber));
		t.is(stalled(), 2);
		t.is(clock.pending, 0);
	});

	test(`${path}: a response that never arrives whole is an error that says so`, async (t) => {
		const { endpoint, clock } = await stallingArchive(t, path, {
			times: Number.POSITIVE_INFINITY,
			onStall: (stalledClock) => stalledClock.advance(RESPONSE_TIMEOUT_MS),
		});
		const client = new ArchiveClient({
			streamName: 'door',
			endpoint,
			clock,
		});
		t.teardown(() => client.close());
		const error = await t.throwsAsync(client.listFragments(range, { maxResults: 10 }));
		t.like(error, {
			code: 'KVS_UNREACHABLE',
			awsName: 'TimeoutError',
			statusCode: undefined,
			retryable: true,
		});
		t.regex(error?.message ?? '', /no complete response within 60000 ms/);
		t.is(clock.pending, 0);
	});

	test(`${path}: an abort ends the wait for the rest of a response, with its reason`, async (t) => {
		const controller = new AbortController();
		const reason = new Error('enough');
		const { endpoint, clock } = await stallingArchive(t, path, {
			times: Number.POSITIVE_INFINITY,
			onStall: () => controller.abort(reason),
		});
		const client = new ArchiveClient({ streamName: 'door', endpoint, clock });
		const { signal } = controller;
		t.is(await t.throwsAsync(client.listFragments(range, { maxResults: 10 }, { signal })), reason);
		// The question for the data endpoint is everyone's: it goes on until the client is closed.
		client.close();
		await setImmediate();
		t.is(clock.pending, 0);
		t.is(getEventListeners(signal, 'abort').length, 0);
	});
}

test('the time limit of a media request ends with its headers; an abort still ends its body', async (t) => {
	const { endpoint, clock } = await stallingArchive(t, '/getMediaForFragmentList', {
		times: 1,
		onStall: () => {},
	});
	const client = new ArchiveClient({ streamName: 'door', endpoint, clock });
	t.teardown(() => client.close());
	const controller = new AbortController();
	const body = await client.getMediaForFragmentList([1, 2, 3].map(fragmentNumber), {
		signal: controller.signal,
	});
	t.is(clock.pending, 0);
	controller.abort();
	await t.throwsAsync(buffer(body));
});

test('refuses an invalid time limit', (t) => {
	for (const responseTimeoutMs of [0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
		t.throws(
			() => new ArchiveClient({ streamName: 'door', endpoint: 'http://127.0.0.1:1', responseTimeoutMs }),
			{
				code: 'KVS_INVALID_OPTION',
			},
		);
	}
});

test('a response without a data endpoint can be retried, and one with an invalid data endpoint cannot', async (t) => {
	const archive = await startArchive(t, { door: recording(3) });
	for (const [body, retryable] of [
		['', true],
		['{"DataEndpoint":"nowhere"}', false],
	] as const) {
		const endpoint = await startMeddler(t, archive, () => ({ body: Buffer.from(body) }));
		const client = new ArchiveClient({ streamName: 'door', endpoint });
		t.teardown(() => client.close());
		const error = await t.throwsAsync(client.listFragments(range, { maxResults: 10 }), {
			code: 'KVS_REQUEST_FAILED',
			message: /`DataEndpoint` to be an http or https URL/,
		});
		t.like(error, { retryable });
	}
});
