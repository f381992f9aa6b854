import { jsonProbe, type Probe } from '../probe.js';
import { everything, listing, UNKNOWN_STREAM } from './requests.js';

/** What holds for every operation: paths, bodies, signatures, and how streams are named. */
export const protocolProbes: readonly Probe[] = [
	{
		name: 'get-on-an-operation',
		guess: 1,
		steps: [{ to: 'LIST_FRAGMENTS', method: 'GET', path: '/listFragments' }],
	},
	{ name: 'unknown-path', guess: 1, steps: [{ to: 'LIST_FRAGMENTS', path: '/noSuchOperation', body: {} }] },
	{
		name: 'path-in-other-letters',
		guess: 1,
		steps: [{ to: 'LIST_FRAGMENTS', path: '/ListFragments', body: everything }],
	},
	{
		name: 'unknown-path-of-control',
		guess: 1,
		steps: [{ to: 'control', path: '/noSuchOperation', body: {} }],
	},
	{ name: 'body-empty', guess: 2, steps: [{ ...listing, text: '' }] },
	{ name: 'body-not-json', guess: 2, steps: [{ ...listing, text: '{"StreamName":' }] },
	{ name: 'body-a-list', guess: 2, steps: [{ ...listing, text: '[]' }] },
	{ name: 'body-a-text', guess: 2, steps: [{ ...listing, text: '"{}"' }] },
	jsonProbe('null-members', 3, listing, {
		...everything,
		StreamARN: null,
		NextToken: null,
		MaxResults: null,
	}),
	jsonProbe('unknown-member', 3, listing, { ...everything, Conformance: 1 }),
	{
		name: 'no-content-type',
		guess: 3,
		steps: [{ ...listing, body: everything, headers: {} }],
	},
	{
		name: 'other-content-type',
		guess: 3,
		steps: [{ ...listing, body: everything, headers: { 'content-type': 'text/plain' } }],
	},
	jsonProbe('stream-name-a-number', 4, listing, { ...everything, StreamName: 5 }),
	jsonProbe('max-results-a-text', 4, listing, { ...everything, MaxResults: '5' }),
	jsonProbe('max-results-a-fraction', 4, listing, { ...everything, MaxResults: 1.5 }),
	jsonProbe('selector-a-list', 4, listing, { ...everything, FragmentSelector: [] }),
	jsonProbe('time-a-text', 4, listing, {
		StreamName: '{stream}',
		FragmentSelector: {
			FragmentSelectorType: 'SERVER_TIMESTAMP',
			TimestampRange: { StartTimestamp: '2026-01-01T00:00:00Z', EndTimestamp: '{server:5}' },
		},
	}),
	jsonProbe('error-form', 5, listing, {}),
	jsonProbe('success-headers', 6, listing, everything),
	...(['none', 'wrong-secret', 'unknown-key', 'other-region', 'old-date'] as const).map(
		(signature): Probe => ({
			name: `signature-${signature}`,
			guess: 7,
			steps: [{ ...listing, body: everything, signature }],
		}),
	),
	{
		name: 'signature-wrong-secret-of-control',
		guess: 7,
		steps: [
			{ to: 'control', path: '/describeStream', body: { StreamName: '{stream}' }, signature: 'wrong-secret' },
		],
	},
	jsonProbe('stream-neither', 8, listing, { FragmentSelector: everything.FragmentSelector }),
	jsonProbe('stream-by-arn', 8, listing, {
		StreamARN: '{arn}',
		FragmentSelector: everything.FragmentSelector,
	}),
	jsonProbe('stream-by-both', 8, listing, { ...everything, StreamARN: '{arn}' }),
	jsonProbe('stream-by-two-that-differ', 8, listing, {
		...everything,
		StreamName: UNKNOWN_STREAM,
		StreamARN: '{arn}',
	}),
	jsonProbe(
		'arn-of-another-creation',
		8,
		listing,
		arn('arn:aws:kinesisvideo:{region}:{account}:stream/{stream}/1500000000000'),
	),
	jsonProbe(
		'arn-of-another-region',
		8,
		listing,
		arn('arn:aws:kinesisvideo:ap-south-1:{account}:stream/{stream}/1500000000000'),
	),
	jsonProbe('arn-malformed', 8, listing, arn('arn:aws:kinesisvideo')),
	jsonProbe('stream-name-empty', 8, listing, { ...everything, StreamName: '' }),
	jsonProbe('stream-name-malformed', 8, listing, { ...everything, StreamName: 'a name' }),
	jsonProbe('stream-name-of-257', 8, listing, { ...everything, StreamName: 'x'.repeat(257) }),
	jsonProbe('unknown-stream', 9, listing, { ...everything, StreamName: UNKNOWN_STREAM }),
	jsonProbe(
		'unknown-stream-of-control',
		9,
		{ to: 'control', path: '/describeStream' },
		{ StreamName: UNKNOWN_STREAM },
	),
	jsonProbe(
		'unknown-stream-data-endpoint',
		9,
		{ to: 'control', path: '/getDataEndpoint' },
		{ StreamName: UNKNOWN_STREAM, APIName: 'LIST_FRAGMENTS' },
	),
];

function arn(StreamARN: string): { StreamARN: string; FragmentSelector: typeof everything.FragmentSelector } {
	return { StreamARN, FragmentSelector: everything.FragmentSelector };
}
