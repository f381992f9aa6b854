import test from 'ava';
import { faultOperations } from '#lib/server/faults/fault-rule.js';
import { createArchiveServer, type FaultRule } from '#lib/server/index.js';
import { startServer } from '../helpers/service/start-server.js';
import { startFaultyDoor } from './faulty-door.js';

/** Rules that are refused, and what the error names. */
const refused: [unknown, RegExp][] = [
	[{}, /`faults` to be a list of fault rules, got an object/],
	['throttle', /`faults`/],
	[[7], /`faults\[0\]` to be an object, got `7`/],
	[[{ fault: 'throttle' }, {}], /`faults\[1\]\.fault` to be one of throttle, .*, got nothing/],
	[[{ fault: 'thortle' }], /`faults\[0\]\.fault` .* got `thortle`/],
	[[{ fault: 'toString' }], /`faults\[0\]\.fault`/],
	[[{ fault: 'throttle', error: 'Slow' }], /`faults\[0\]\.error` to be one of ClientLimit.*, got `Slow`/],
	[[{ fault: 'throttle', ms: 5 }], /`faults\[0\]\.ms` to be absent: throttle takes .*error, got `5`/],
	[[{ fault: 'throttle', toString: 5 }], /`faults\[0\]\.toString` to be absent/],
	[[{ fault: 'throttle', operation: 'TagResource' }], /`faults\[0\]\.operation` to be one of ListFragments/],
	[
		[{ fault: 'shuffle', operation: 'ListFragments' }],
		/`faults\[0\]\.operation` to be GetMediaForFragmentList,/,
	],
	[[{ fault: 'shuffle', nth: 0 }], /`faults\[0\]\.nth` to be a whole number from 1, got `0`/],
	[[{ fault: 'shuffle', every: 1.5 }], /`faults\[0\]\.every`/],
	[[{ fault: 'shuffle', times: '2' }], /`faults\[0\]\.times`/],
	[[{ fault: 'shuffle', probability: 1.1 }], /`faults\[0\]\.probability` to be a number from 0 to 1/],
	[[{ fault: 'shuffle', stream: '' }], /`faults\[0\]\.stream`/],
	[
		[{ fault: 'shuffle', fragmentNumber: 5 }],
		/`faults\[0\]\.fragmentNumber` to be a fragment number, as text/,
	],
	[[{ fault: 'server-error', status: 502 }], /`faults\[0\]\.status` to be one of 500, 503, got `502`/],
	[[{ fault: 'cut' }], /`faults\[0\]` to be given exactly one of atByte, atFraction, inside, got nothing/],
	[[{ fault: 'cut', atByte: 1, atFraction: 1 }], /`faults\[0\]` .* got `atByte and atFraction`/],
	[[{ fault: 'cut', atByte: -1 }], /`faults\[0\]\.atByte` to be a whole number from 0, got `-1`/],
	[[{ fault: 'cut', atFraction: 'half' }], /`faults\[0\]\.atFraction` to be a number from 0 to 1, or random/],
	[[{ fault: 'cut', inside: 'Cues' }], /`faults\[0\]\.inside` to be one of EBML/],
	[[{ fault: 'cut', inside: 'Block', operation: 'ListFragments' }], /`faults\[0\]\.operation`/],
	[[{ fault: 'cut', atByte: 1, as: 'rude' }], /`faults\[0\]\.as`/],
	[
		[{ fault: 'stall', atByte: 1, ms: 2 ** 31 }],
		/`faults\[0\]\.ms` to be a whole number from 0 to 2147483647/,
	],
	[
		[{ fault: 'cut', operation: 'PutMedia', atFraction: 0.5 }],
		/`faults\[0\]\.atFraction` to be absent: PutMedia takes/,
	],
	[
		[{ fault: 'stall', operation: 'GetMedia', inside: 'Block' }],
		/`faults\[0\]\.inside` to be absent: GetMedia takes/,
	],
	[
		[{ fault: 'cut', operation: 'GetMedia', atByte: 1, of: 'request' }],
		/`faults\[0\]\.operation` to be PutMedia, since `of` is given/,
	],
	[
		[{ fault: 'cut', atByte: 1, of: 'request' }],
		/`faults\[0\]\.operation` to be PutMedia, since `of` is given, got nothing/,
	],
	[
		[{ fault: 'cut', operation: 'PutMedia', atByte: 1, of: 'both' }],
		/`faults\[0\]\.of` to be one of request, response/,
	],
	[[{ fault: 'put-error' }], /`faults\[0\]\.errorId` to be one of 4000, .*, got nothing/],
	[[{ fault: 'put-error', errorId: 4013 }], /`faults\[0\]\.errorId` .* got `4013`/],
	[
		[{ fault: 'put-error', errorId: 4011, fragment: 'last' }],
		/`faults\[0\]\.fragment` to be a whole number from 1/,
	],
	[
		[{ fault: 'put-error', errorId: 4011, operation: 'GetMedia' }],
		/`faults\[0\]\.operation` to be PutMedia,/,
	],
	[[{ fault: 'slow-disk' }], /`faults\[0\]\.ms` to be a whole number from 0 to 2147483647, got nothing/],
	[[{ fault: 'exception' }], /`faults\[0\]\.code` to be a whole number.*, got nothing/],
	[
		[{ fault: 'exception', code: 5000, fragment: 'first' }],
		/`faults\[0\]\.fragment` to be a position from 1/,
	],
	[[{ fault: 'exception', code: 5000, spelling: 'x' }], /`faults\[0\]\.spelling`/],
	[[{ fault: 'exception', code: 5000, goesOn: 1 }], /`faults\[0\]\.goesOn` to be true or false/],
	[[{ fault: 'not-ready', share: 2 }], /`faults\[0\]\.share`/],
	[[{ fault: 'late-listing' }], /`faults\[0\]` to be given exactly one of delayMs, fromListing/],
	[[{ fault: 'dead-endpoint', endpoint: 'nowhere' }], /`faults\[0\]\.endpoint` to be a URL, got `nowhere`/],
];
for (const [faults, message] of refused) {
	test(`refuses ${JSON.stringify(faults)}`, (t) => {
		t.throws(() => void createArchiveServer({ faults: faults as FaultRule[] }), {
			code: 'KVS_INVALID_OPTION',
			message,
		});
	});
}

test('accepts every field of a fault rule', async (t) => {
	const when = {
		operation: 'GetMediaForFragmentList',
		stream: 'door',
		fragmentNumber: '1',
		nth: 1,
		every: 1,
		times: 1,
		probability: 0.5,
		seed: 3,
	} as const;
	const exception = { spelling: 'documented', goesOn: true } as const;
	const faults: FaultRule[] = [
		{ ...when, fault: 'throttle', error: 'ThrottlingException' },
		{ ...when, fault: 'server-error', status: 503 },
		{ ...when, fault: 'reset' },
		{ ...when, fault: 'hang-up' },
		{ ...when, fault: 'no-response', ms: 5 },
		{ ...when, fault: 'cut', atByte: 0, as: 'clean' },
		{ ...when, fault: 'stall', atFraction: 'random', ms: 0 },
		{ ...when, fault: 'stall', inside: 'Block', fragment: 'random', element: 2 },
		{
			...when,
			...exception,
			fault: 'exception',
			code: 4500,
			name: 'NO',
			isNumbered: false,
			fragment: 'last',
		},
		{ ...when, ...exception, fault: 'not-ready', requests: 2, share: 0.1 },
		{ ...when, fault: 'duplicate', fragment: 2, again: 'last' },
		{ ...when, fault: 'shuffle' },
		{ ...when, fault: 'leave-out', fragment: 1, count: 2 },
		{ ...when, operation: 'ListFragments', fault: 'empty-page' },
		{ ...when, operation: 'ListFragments', fault: 'late-listing', delayMs: 10, share: 0.5 },
		{ ...when, operation: 'GetMedia', fault: 'cut', atByte: 7 },
		{ ...when, operation: 'PutMedia', fault: 'stall', atByte: 7, of: 'request', ms: 5 },
		{ ...when, operation: 'PutMedia', fault: 'put-error', errorId: 4011, fragment: 3 },
		{ ...when, operation: 'PutMedia', fault: 'slow-disk', ms: 30 },
		...faultOperations.map((operation): FaultRule => ({ ...when, operation, fault: 'hang-up' })),
		{ ...when, operation: 'GetDataEndpoint', fault: 'dead-endpoint', endpoint: 'http://127.0.0.1:2' },
	];
	await startServer(t, { faults });
	t.pass();
});

/** Which of ten requests a rule fires for, as a row of digits. */
async function firings(
	t: Parameters<typeof startFaultyDoor>[0],
	rule: Partial<FaultRule>,
	faultSeed = 0,
): Promise<string> {
	const door = await startFaultyDoor(t, {
		faults: [{ fault: 'throttle', ...rule } as FaultRule],
		faultSeed,
	});
	for (let call = 0; call < 10; call++) await door.media(call % 2).response;
	return door.requests.map(({ faults }) => faults.length).join('');
}

test('a rule fires when all of its condition holds', async (t) => {
	const { numbers } = await startFaultyDoor(t, {});
	const rows: [Partial<FaultRule>, string][] = [
		[{}, '1111111111'],
		[{ nth: 3 }, '0010000000'],
		[{ every: 3 }, '0010010010'],
		[{ times: 2 }, '1100000000'],
		[{ every: 2, times: 2 }, '0101000000'],
		[{ operation: 'GetMediaForFragmentList' }, '1111111111'],
		[{ operation: 'ListFragments' }, '0000000000'],
		[{ stream: 'door' }, '1111111111'],
		[{ stream: 'gate' }, '0000000000'],
		[{ fragmentNumber: numbers[1] as string }, '0101010101'],
		[{ fragmentNumber: numbers[1] as string, nth: 2 }, '0001000000'],
		[{ probability: 1 }, '1111111111'],
		[{ probability: 0 }, '0000000000'],
	];
	for (const [rule, expected] of rows) t.is(await firings(t, rule), expected, JSON.stringify(rule));
});

test('a rule with a probability fires alike with the same seed, and differently with another', async (t) => {
	const rule = { probability: 0.5 };
	const first = await firings(t, rule);
	t.is(await firings(t, rule), first);
	const others = [
		await firings(t, rule, 1),
		await firings(t, { ...rule, seed: 1 }),
		await firings(t, rule, 2),
	];
	t.is(new Set([first, ...others]).size, 4);
	t.is(await firings(t, rule, 2), others[2] as string);
});

test('the random choices of faults repeat with their seed', async (t) => {
	const faults: FaultRule[] = [
		{ fault: 'shuffle' },
		{ fault: 'duplicate', fragment: 'random' },
		{ fault: 'cut', as: 'clean', atFraction: 'random' },
	];
	const bodies = async (faultSeed: number) => {
		const door = await startFaultyDoor(t, { faults, faultSeed });
		const found: Buffer[] = [];
		for (let call = 0; call < 4; call++) found.push((await door.media(0, 1, 2, 3, 4).response).body);
		return Buffer.concat(found).toString('hex');
	};
	const first = await bodies(7);
	t.is(await bodies(7), first);
	t.not(await bodies(8), first);
});

test('the random choices of one rule do not depend on other rules', async (t) => {
	const rule: FaultRule = { fault: 'duplicate', probability: 0.5 };
	const fired = async (others: FaultRule[]) => {
		const door = await startFaultyDoor(t, { faults: [rule, ...others] });
		for (let call = 0; call < 10; call++) await door.media(0).response;
		return door.requests.map(({ faults }) => faults.some((applied) => applied.rule === 0));
	};
	t.deepEqual(await fired([]), await fired([{ fault: 'leave-out', probability: 0.5 }, { fault: 'shuffle' }]));
});

test('requests that a quota refuses fire no rule', async (t) => {
	const door = await startFaultyDoor(t, {
		quotas: { mediaCallsPerSecond: 1 },
		faults: [{ fault: 'duplicate', nth: 2 }],
	});
	await door.media(0).response;
	t.is((await door.media(0).response).status, 400);
	door.clock.nowMs = 1000;
	t.is((await door.media(0).response).body.byteLength, 2 * (door.chunks[0]?.byteLength ?? 0));
});
