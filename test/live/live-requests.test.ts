/* How the requests of a live stream are made, retried and refused, and what is left when it ends. */
import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { KinesisVideoMediaClient } from '@aws-sdk/client-kinesis-video-media';
import test, { type ExecutionContext } from 'ava';
import { type Clock, KvsArchive, type RateLimiter } from 'kvs-archive';
import { activeResources, settledResources } from '../helpers/active-resources.js';
import { ManualClock } from '../helpers/manual-clock.js';
import { fragmentNumber } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { unlimited } from '../helpers/service/unlimited.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { until, within } from '../helpers/wait.js';
import { endsFragment, outlineOf, readLive } from './live-reading.js';
import { accept, chunk, type LiveService, refuse, startLiveService } from './live-service.js';

const reason = new Error('enough');

test('a service that throttles, fails, is not reached or has moved is waited for, however long', async (t) => {
	const service = await startLiveService(t, (_, response, nth) => {
		if (nth >= 50) {
			accept(response);
			response.write(chunk(1));
		} else if (nth % 5 === 0) refuse(response, 400, 'ClientLimitExceededException');
		else if (nth % 5 === 1) refuse(response, 400, 'ConnectionLimitExceededException');
		else if (nth % 5 === 2) refuse(response, 500, 'InternalFailure');
		else if (nth % 5 === 3) refuse(response, 400, 'InvalidEndpointException');
		else response.socket?.resetAndDestroy();
	});
	const waits: number[] = [];
	const clock = new StandstillClock(startMs);
	const noting: Clock = {
		now: () => clock.now(),
		sleep: (ms, options) => {
			if (ms < 30_000) waits.push(ms);
			return clock.sleep(ms, options);
		},
	};
	const options = { clock: noting };
	const { events, summary } = await readLive(
		t,
		service.endpoint,
		'now',
		endsFragment(fragmentNumber(1)),
		options,
	);
	t.deepEqual(outlineOf(events), ['fragment 1', '4 frames', 'end 1']);
	t.is(waits.length, 50);
	t.true(Math.max(...waits) <= 10_000);
	// The data endpoint is asked for again after each failure.
	t.like(summary, { throttled: 20, calls: 51 + 51 });
});

test('a stream that is denied or does not exist ends it, also later', async (t) => {
	for (const [status, awsName, code] of [
		[403, 'AccessDeniedException', 'KVS_DENIED'],
		[401, 'NotAuthorizedException', 'KVS_DENIED'],
		[404, 'ResourceNotFoundException', 'KVS_NOT_FOUND'],
		[400, 'InvalidArgumentException', 'KVS_REQUEST_FAILED'],
	] as const) {
		for (const given of [0, 1]) {
			const service = await startLiveService(t, (_, response, nth) => {
				if (nth >= given) refuse(response, status, awsName);
				else {
					accept(response);
					response.end(chunk(1));
				}
			});
			let ends = 0;
			const error = await t.throwsAsync(
				readLive(t, service.endpoint, 'earliest', (event) => {
					if (event.type === 'fragment-end') ends++;
					return false;
				}),
			);
			t.like(error, { code, awsName, operation: 'GetMedia', stream: 'door', statusCode: status });
			t.is(ends, given);
		}
	}
});

test('a client of the caller is used as it is, and needs no data endpoint', async (t) => {
	const service = await startLiveService(t, (_, response) => {
		accept(response);
		response.write(chunk(1));
	});
	const media = new KinesisVideoMediaClient({
		endpoint: service.endpoint,
		region: 'eu-west-1',
		credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
	});
	t.teardown(() => media.destroy());
	const archive = new KvsArchive({ streamName: 'door', clients: { media }, limiter: unlimited });
	const stream = archive.live({ from: 'now' });
	for await (const event of stream) {
		if (event.type !== 'fragment-end') continue;
		t.is(event.fragmentNumber, fragmentNumber(1));
		// Its connections are not closed with the archive, but what is read through them ends all the same.
		await archive.close();
		break;
	}
	t.is((await stream.summary).calls, 1);
	await isClosed(t, service);
	const closed = archive.live.bind(archive, { from: 'now' });
	t.throws(closed, { code: 'KVS_CLOSED' });
});

test('close ends live reading, whoever owns the client', async (t) => {
	const service = await startLiveService(t, (_, response) => {
		accept(response);
		response.write(chunk(1));
	});
	const settings = { region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
	const media = new KinesisVideoMediaClient({ ...settings, endpoint: service.endpoint });
	t.teardown(() => media.destroy());
	for (const clients of [{}, { media }]) {
		const archive = openArchive(t, service.endpoint, { clients });
		const reading = (async () => {
			for await (const event of archive.live({ from: 'now' })) {
				if (event.type === 'fragment-end') void archive.close();
			}
		})();
		await t.throwsAsync(
			within(reading, () => 'it goes on after close'),
			{ code: 'KVS_CLOSED' },
		);
		await isClosed(t, service);
	}
});

test('each response takes one of the three places that a stream has, until it ends', async (t) => {
	const service = await startLiveService(t, (_, response) => {
		accept(response);
		response.write(chunk(1));
	});
	const archive = openArchive(t, service.endpoint, { limiter: undefined });
	const first = Array.from({ length: 3 }, () => archive.live({ from: 'earliest' })[Symbol.asyncIterator]());
	for (const reader of first) await within(reader.next(), () => 'no place');
	const fourth = archive.live({ from: 'earliest' })[Symbol.asyncIterator]();
	let isThere = false;
	const waiting = fourth.next().then(() => {
		isThere = true;
	});
	for (let turn = 0; turn < 300; turn++) await setImmediate();
	t.false(isThere);
	t.is(service.selectors.length, 3);
	await first[0]?.return?.();
	await within(waiting, () => 'the place of one that has ended is not given on');
	for (const reader of [...first, fourth]) await reader.return?.();
});

test('a lost permit ends its response, and reading resumes with another', async (t) => {
	const lost = new AbortController();
	let permits = 0;
	const limiter: RateLimiter = {
		acquire: async () => ({
			sent: () => {},
			closed: () => {},
			cancel: () => {},
			...(permits++ === 0 && { lost: lost.signal }),
		}),
	};
	const service = await startLiveService(t, (_, response, nth) => {
		accept(response);
		response.write(chunk(nth + 1));
	});
	const { events } = await readLive(
		t,
		service.endpoint,
		'earliest',
		(event) => {
			if (event.type !== 'fragment-end') return false;
			lost.abort(new Error('the lease expired'));
			return event.fragmentNumber === fragmentNumber(2);
		},
		{ limiter },
	);
	t.is(events.filter(({ type }) => type === 'fragment-end').length, 2);
	t.is(permits, 2);
});

test('an abort ends a back-off', async (t) => {
	const service = await startLiveService(t, (_, response) => refuse(response, 500, 'InternalFailure'));
	const clock = new ManualClock();
	const archive = openArchive(t, service.endpoint, { clock });
	const controller = new AbortController();
	const reading = archive.live({ from: 'now', signal: controller.signal })[Symbol.asyncIterator]().next();
	await until(
		() => service.selectors.length === 1 && service.open() === 0 && clock.pending === 1,
		() => `${clock.pending} waits`,
	);
	controller.abort(reason);
	t.is(await t.throwsAsync(within(reading, () => 'it goes on')), reason);
	t.is(clock.pending, 0);
	t.is(service.selectors.length, 1);
});

/** Waits until no response to GetMedia is open. */
async function isClosed(t: ExecutionContext, service: LiveService): Promise<void> {
	await until(
		() => service.open() === 0,
		() => `${service.open()} responses are open`,
	);
	t.is(service.open(), 0);
}

interface Ending {
	/** What the service does. */
	readonly serve: Parameters<typeof startLiveService>[1];
	/** How it is ended: by leaving the loop at an event, or by the signal, at an event or when nothing comes any more. */
	readonly end: 'break' | 'abort' | 'abort when all stands still' | 'abort before';
}

const serveAndWait: Ending['serve'] = (_, response) => {
	accept(response);
	response.write(chunk(1));
};
const neverRespond: Ending['serve'] = () => {};
const endings: Readonly<Record<string, Ending>> = {
	'left at an event': { serve: serveAndWait, end: 'break' },
	'aborted before it begins': { serve: serveAndWait, end: 'abort before' },
	'aborted at an event': { serve: serveAndWait, end: 'abort' },
	'aborted while nothing comes': { serve: serveAndWait, end: 'abort when all stands still' },
	'aborted inside a fragment': {
		serve: (_, response) => {
			accept(response);
			response.write(chunk(1).subarray(0, -100));
		},
		end: 'abort when all stands still',
	},
	'aborted while no response comes': { serve: neverRespond, end: 'abort when all stands still' },
};

for (const [name, { serve, end }] of Object.entries(endings)) {
	// One after the other: what keeps the process alive is counted.
	test.serial(`nothing is left: ${name}`, async (t) => {
		const service = await startLiveService(t, serve);
		const controller = new AbortController();
		const { signal } = controller;
		const clock = new StandstillClock(startMs);
		const before = await settledResources();
		const archive = new KvsArchive({
			streamName: 'door',
			endpoint: service.endpoint,
			limiter: unlimited,
			clock,
		});
		if (end === 'abort before') controller.abort(reason);
		const reading = (async () => {
			for await (const event of archive.live({ from: 'earliest', signal })) {
				if (end === 'break') break;
				if (end === 'abort' && event.type === 'frame') controller.abort(reason);
			}
		})();
		if (end === 'abort when all stands still') {
			await until(
				() => service.open() === 1,
				() => 'nothing was requested',
			);
			for (let turn = 0; turn < 100; turn++) await setImmediate();
			controller.abort(reason);
		}
		const outcome = await within(
			reading.then(
				() => null,
				(error: unknown) => error,
			),
			() => 'it goes on',
		);
		t.is(outcome, end === 'break' ? null : reason);
		await isClosed(t, service);
		await until(
			() => clock.pending === 0,
			() => `${clock.pending} waits go on`,
		);
		t.is(getEventListeners(signal, 'abort').length, 0);
		await archive.close();
		await until(
			async () => (await service.connections()) === 0,
			() => 'a connection is open',
		);
		await until(
			() => activeResources() === before,
			() => `${activeResources()} in place of ${before}`,
		);
	});
}
