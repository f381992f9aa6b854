import { jsonProbe, type Probe, type Template } from '../probe.js';
import { byProducer, byServer, everything, listing, range, wholeRange } from './requests.js';

/** The pattern of a token in a response. */
const TOKEN = '"NextToken":\\s*"([^"]+)"';

/** A listing whose token the later steps use. */
const firstPage = { ...listing, body: { ...everything, MaxResults: 2 }, save: { page: TOKEN } };
const next = { StreamName: '{stream}', NextToken: '{saved:page}' };

/** ListFragments. */
export const listingProbes: readonly Probe[] = [
	selector('selector-missing', { StreamName: '{stream}' }),
	selector('selector-type-missing', {
		StreamName: '{stream}',
		FragmentSelector: { TimestampRange: wholeRange },
	}),
	selector('selector-type-unknown', {
		StreamName: '{stream}',
		FragmentSelector: { FragmentSelectorType: 'NO_TIMESTAMP', TimestampRange: wholeRange },
	}),
	selector('selector-range-missing', {
		StreamName: '{stream}',
		FragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP' },
	}),
	selector('selector-start-missing', {
		StreamName: '{stream}',
		FragmentSelector: {
			FragmentSelectorType: 'SERVER_TIMESTAMP',
			TimestampRange: { EndTimestamp: '{server:5}' },
		},
	}),
	selector('selector-end-missing', {
		StreamName: '{stream}',
		FragmentSelector: {
			FragmentSelectorType: 'SERVER_TIMESTAMP',
			TimestampRange: { StartTimestamp: '{server:0}' },
		},
	}),
	...[0, -1, 1, 1000, 1001].map((MaxResults) =>
		jsonProbe(`max-results-${MaxResults}`, 11, listing, { ...everything, MaxResults }),
	),
	listed('max-results-default', 11, byServer(range(0, '{server:5}'))),
	listed('range-whole', 12, byServer(wholeRange)),
	listed('range-on-the-producer-clock', 12, byProducer(range('{producer:0}', '{producer:5}'))),
	listed('range-of-both-ends', 12, byServer(range('{server:1}', '{server:3}'))),
	listed('range-a-millisecond-inside', 12, byServer(range('{server:1+1}', '{server:3-1}'))),
	listed('range-a-millisecond-outside', 12, byServer(range('{server:1-1}', '{server:3+1}'))),
	listed('range-of-one-moment', 12, byServer(range('{server:2}', '{server:2}'))),
	listed('range-backwards', 12, byServer(range('{server:5}', '{server:0}'))),
	listed('empty-between-fragments', 13, byServer(range('{server:2+1}', '{server:2+2}'))),
	listed('empty-in-the-future', 13, byServer(range('{now+86400000}', '{now+90000000}'))),
	listed('empty-before-retention', 13, byServer(range(86_400, 172_800))),
	listed('empty-before-1970', 13, byServer(range(-86_400, -1))),
	{
		name: 'pages',
		guess: 14,
		steps: [
			firstPage,
			{ ...listing, body: next, save: { page: TOKEN } },
			{ ...listing, body: next, save: { last: TOKEN } },
		],
	},
	...(['!', 'AAAA', 'not base64 at all', 'A'.repeat(4097), ''] as const).map((NextToken, index) =>
		jsonProbe(`token-malformed-${index + 1}`, 15, listing, { StreamName: '{stream}', NextToken }),
	),
	{
		name: 'token-changed',
		guess: 15,
		steps: [firstPage, { ...listing, body: { ...next, NextToken: 'AAAA{saved:page}' } }],
	},
	{
		name: 'token-of-another-operation',
		guess: 15,
		steps: [firstPage, { to: 'control', path: '/listStreams', body: { NextToken: '{saved:page}' } }],
	},
	{
		name: 'token-of-another-stream',
		guess: 15,
		writes: true,
		steps: [firstPage, { ...listing, body: { ...next, StreamName: '{scratch}' } }],
	},
	{
		name: 'token-twice',
		guess: 16,
		steps: [firstPage, { ...listing, body: next }, { ...listing, body: next }],
	},
	{
		name: 'token-with-its-selector',
		guess: 16,
		steps: [firstPage, { ...listing, body: { ...everything, ...next } }],
	},
	{
		name: 'token-with-another-selector',
		guess: 16,
		steps: [
			firstPage,
			{ ...listing, body: { ...next, FragmentSelector: byServer(range('{server:0}', '{server:0}')) } },
		],
	},
	{
		name: 'token-with-a-malformed-selector',
		guess: 16,
		steps: [firstPage, { ...listing, body: { ...next, FragmentSelector: { FragmentSelectorType: 'NONE' } } }],
	},
	{
		name: 'token-with-another-page-size',
		guess: 16,
		steps: [firstPage, { ...listing, body: { ...next, MaxResults: 3 } }],
	},
];

function selector(name: string, body: Template): Probe {
	return jsonProbe(name, 10, listing, body);
}

function listed(name: string, guess: number, FragmentSelector: Template): Probe {
	return jsonProbe(name, guess, listing, { StreamName: '{stream}', FragmentSelector });
}
