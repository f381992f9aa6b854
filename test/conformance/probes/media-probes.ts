import { jsonProbe, type Probe, type Template } from '../probe.js';

const media = { to: 'GET_MEDIA_FOR_FRAGMENT_LIST', path: '/getMediaForFragmentList' } as const;
const live = { to: 'GET_MEDIA', path: '/getMedia' } as const;

/** Laid out as the service's own, and never issued. */
const NEVER_ISSUED = '91343852333181432392682062607743920146159169392';

/** GetMediaForFragmentList and GetMedia. */
export const mediaProbes: readonly Probe[] = [
	wrong('fragments-missing', { StreamName: '{stream}' }),
	...(
		[
			['fragments-empty', []],
			['fragments-a-text', '{fragment:0}'],
			['fragments-of-numbers', [1]],
			['fragments-with-an-empty-one', ['']],
			['fragments-with-letters', ['{fragment:0}', '12x']],
			['fragments-of-129-digits', ['1'.repeat(129)]],
		] as const
	).map(([name, Fragments]) => wrong(name, { StreamName: '{stream}', Fragments })),
	wrong('fragments-1001', {
		StreamName: '{stream}',
		Fragments: Array.from({ length: 1001 }, () => '{fragment:0}'),
	}),
	fetched('never-issued', 18, [NEVER_ISSUED]),
	fetched('never-issued-among-others', 18, ['{fragment:0}', NEVER_ISSUED, '{fragment:1}']),
	fetched('never-issued-short', 18, ['1']),
	{
		name: 'numbers-of-another-stream',
		guess: 18,
		writes: true,
		steps: [{ ...media, body: { StreamName: '{scratch}', Fragments: ['{fragment:0}'] } }],
	},
	fetched('order-of-the-request', 19, ['{fragment:2}', '{fragment:0}', '{fragment:1}']),
	fetched('duplicates', 19, ['{fragment:1}', '{fragment:1}', '{fragment:0}']),
	fetched('chunk', 20, ['{fragment:0}']),
	...(
		[
			['live-selector-unknown', { StartSelectorType: 'LATEST' }],
			['live-selector-empty', {}],
			['live-number-missing', { StartSelectorType: 'FRAGMENT_NUMBER' }],
			[
				'live-number-never-issued',
				{ StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: NEVER_ISSUED },
			],
			['live-number-malformed', { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: 'x' }],
			['live-time-missing', { StartSelectorType: 'SERVER_TIMESTAMP' }],
			['live-token-missing', { StartSelectorType: 'CONTINUATION_TOKEN' }],
			['live-token-malformed', { StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken: 'x' }],
		] as const
	).map(([name, StartSelector]) =>
		// Reading stops with the first chunk, should it be accepted.
		({ name, guess: 21, steps: [{ ...live, body: { StreamName: '{stream}', StartSelector }, chunks: 1 }] }),
	),
	{
		name: 'live-selector-missing',
		guess: 21,
		steps: [{ ...live, body: { StreamName: '{stream}' }, chunks: 1 }],
	},
	started('live-after-a-number', 22, {
		StartSelectorType: 'FRAGMENT_NUMBER',
		AfterFragmentNumber: '{fragment:0}',
	}),
	started('live-after-a-token', 22, {
		StartSelectorType: 'CONTINUATION_TOKEN',
		ContinuationToken: '{fragment:1}',
	}),
	started('live-at-a-start', 22, { StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: '{server:2}' }),
	started('live-within-a-fragment', 22, {
		StartSelectorType: 'SERVER_TIMESTAMP',
		StartTimestamp: '{server:2+100}',
	}),
	started('live-within-a-fragment-of-the-producer', 22, {
		StartSelectorType: 'PRODUCER_TIMESTAMP',
		StartTimestamp: '{producer:2+100}',
	}),
	started('live-chunk', 23, { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: '{fragment:2}' }),
];

function wrong(name: string, body: Template): Probe {
	return jsonProbe(name, 17, media, body);
}

function fetched(name: string, guess: number, Fragments: readonly string[]): Probe {
	return jsonProbe(name, guess, media, { StreamName: '{stream}', Fragments });
}

function started(name: string, guess: number, StartSelector: Template): Probe {
	return { name, guess, steps: [{ ...live, body: { StreamName: '{stream}', StartSelector }, chunks: 1 }] };
}
