import type { Probe, ProbeStep, Template } from '../probe.js';

const VERSION = '"Version":\\s*"([^"]+)"';

/** Changes of the stream that the run has made for itself. */
export const writeProbes: readonly Probe[] = [
	changed('create-again', '/createStream', { StreamName: '{scratch}' }),
	changed('create-without-a-name', '/createStream', {}),
	changed('create-malformed-name', '/createStream', { StreamName: 'a name' }),
	changed('create-retention-negative', '/createStream', {
		StreamName: '{scratch}-2',
		DataRetentionInHours: -1,
	}),
	changed('create-retention-87601', '/createStream', {
		StreamName: '{scratch}-2',
		DataRetentionInHours: 87_601,
	}),
	changed('create-media-type-malformed', '/createStream', { StreamName: '{scratch}-2', MediaType: 'film' }),
	changed('retention-other-version', '/updateDataRetention', retention({ CurrentVersion: 'NoSuchVersion' })),
	changed('retention-without-a-version', '/updateDataRetention', retention({ CurrentVersion: null })),
	versioned(
		'retention-operation-unknown',
		'/updateDataRetention',
		retention({ Operation: 'CHANGE_DATA_RETENTION' }),
	),
	versioned('retention-of-0-hours', '/updateDataRetention', retention({ DataRetentionChangeInHours: 0 })),
	versioned(
		'retention-decreased-below-0',
		'/updateDataRetention',
		retention({ Operation: 'DECREASE_DATA_RETENTION', DataRetentionChangeInHours: 100 }),
	),
	changed('tags-empty', '/tagStream', { StreamName: '{scratch}', Tags: {} }),
	changed('tags-51', '/tagStream', {
		StreamName: '{scratch}',
		Tags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`key-${index}`, 'value'])),
	}),
	changed('tags-reserved', '/tagStream', { StreamName: '{scratch}', Tags: { 'aws:key': 'value' } }),
	changed('tags', '/tagStream', { StreamName: '{scratch}', Tags: { key: 'value' } }),
	changed('untag-unknown', '/untagStream', { StreamName: '{scratch}', TagKeyList: ['no-such-key'] }),
	changed('untag-none', '/untagStream', { StreamName: '{scratch}', TagKeyList: [] }),
	changed('delete-without-an-arn', '/deleteStream', {}),
	{
		name: 'delete-other-version',
		guess: 41,
		writes: true,
		steps: [
			{
				to: 'control',
				path: '/describeStream',
				body: { StreamName: '{scratch}' },
				save: { scratch: '"StreamARN":\\s*"([^"]+)"' },
			},
			{
				to: 'control',
				path: '/deleteStream',
				body: { StreamARN: '{saved:scratch}', CurrentVersion: 'NoSuchVersion' },
			},
		],
	},
	put('put-without-a-stream', 42, 'two-fragments', { 'x-amzn-fragment-timecode-type': 'ABSOLUTE' }),
	put('put-without-timecodes', 42, 'two-fragments', { 'x-amzn-stream-name': '{scratch}' }),
	put('put-unknown-timecodes', 42, 'two-fragments', headers({ 'x-amzn-fragment-timecode-type': 'NONE' })),
	put(
		'put-relative-without-a-start',
		42,
		'two-fragments',
		headers({ 'x-amzn-fragment-timecode-type': 'RELATIVE' }),
	),
	put('put-malformed-start', 42, 'two-fragments', headers({ 'x-amzn-producer-start-timestamp': 'now' })),
	put('put-two-names', 42, 'two-fragments', headers({ 'x-amzn-stream-arn': '{arn}' })),
	put(
		'put-to-an-unknown-stream',
		9,
		'two-fragments',
		headers({ 'x-amzn-stream-name': 'kvs-archive-conformance-no-such-stream' }),
	),
	put('put', 43, 'two-fragments', relative()),
	put(
		'put-without-acknowledgements',
		43,
		'two-fragments',
		relative({ 'x-amzn-fragment-acknowledgment-required': '0' }),
	),
	put('put-nothing', 44, 'nothing', relative()),
	put('put-not-matroska', 44, 'not-matroska', relative()),
	put('put-same-time', 44, 'same-time', relative()),
	put('put-eleven-tags', 44, 'eleven-tags', relative()),
	put('put-undeclared-track', 44, 'undeclared-track', relative()),
	put('put-track-without-frames', 44, 'track-without-frames', relative()),
	put('put-empty-cluster', 44, 'empty-cluster', relative()),
];

function changed(name: string, path: string, body: Template): Probe {
	return { name, guess: 41, writes: true, steps: [{ to: 'control', path, body }] };
}

/** A change that needs the stream's version. */
function versioned(name: string, path: string, body: Template): Probe {
	const described: ProbeStep = {
		to: 'control',
		path: '/describeStream',
		body: { StreamName: '{scratch}' },
		save: { version: VERSION },
	};
	return { name, guess: 41, writes: true, steps: [described, { to: 'control', path, body }] };
}

function retention(members: { readonly [name: string]: Template }): Template {
	return {
		StreamName: '{scratch}',
		CurrentVersion: '{saved:version}',
		Operation: 'INCREASE_DATA_RETENTION',
		DataRetentionChangeInHours: 1,
		...members,
	};
}

function put(name: string, guess: number, media: string, requestHeaders: Record<string, string>): Probe {
	const step = { to: 'PUT_MEDIA', path: '/putMedia', media, headers: requestHeaders } as const;
	return { name, guess, writes: true, steps: [step] };
}

function headers(more: Record<string, string>): Record<string, string> {
	return { 'x-amzn-stream-name': '{scratch}', 'x-amzn-fragment-timecode-type': 'ABSOLUTE', ...more };
}

function relative(more: Record<string, string> = {}): Record<string, string> {
	return headers({
		'x-amzn-fragment-timecode-type': 'RELATIVE',
		'x-amzn-producer-start-timestamp': '{now}',
		...more,
	});
}
