import { jsonProbe, type Probe, type ProbeStep, type Template } from '../probe.js';
import { byProducer, byServer, range, wholeRange } from './requests.js';

const producerRange = range('{producer:0}', '{producer:5}');

/** How the two protocols name the same. */
const protocols = [
	{
		protocol: 'hls',
		selector: 'HLSFragmentSelector',
		maxResults: 'MaxMediaPlaylistFragmentResults',
		request: { to: 'GET_HLS_STREAMING_SESSION_URL', path: '/getHLSStreamingSessionURL' },
	},
	{
		protocol: 'dash',
		selector: 'DASHFragmentSelector',
		maxResults: 'MaxManifestFragmentResults',
		request: { to: 'GET_DASH_STREAMING_SESSION_URL', path: '/getDASHStreamingSessionURL' },
	},
] as const;

/** What both protocols refuse, in the same words but for the names of their members. */
function refusals({ protocol, selector, maxResults, request }: (typeof protocols)[number]): Probe[] {
	const wrong = (name: string, guess: number, members: { readonly [name: string]: Template }): Probe =>
		jsonProbe(`${protocol}-${name}`, guess, request, { StreamName: '{stream}', ...members });
	const onDemand = (name: string, guess: number, fragmentSelector: Template): Probe =>
		wrong(name, guess, { PlaybackMode: 'ON_DEMAND', [selector]: fragmentSelector });
	const valid = { PlaybackMode: 'ON_DEMAND', [selector]: byProducer(producerRange) };
	const start = { StartTimestamp: '{server:0}' };
	return [
		wrong('mode-unknown', 24, { PlaybackMode: 'DEMAND' }),
		wrong('live-with-a-range', 24, { PlaybackMode: 'LIVE', [selector]: byServer(wholeRange) }),
		wrong('replay-without-a-selector', 24, { PlaybackMode: 'LIVE_REPLAY' }),
		wrong('replay-without-a-range', 24, {
			PlaybackMode: 'LIVE_REPLAY',
			[selector]: { FragmentSelectorType: 'SERVER_TIMESTAMP' },
		}),
		wrong('on-demand-without-a-selector', 24, { PlaybackMode: 'ON_DEMAND' }),
		onDemand('on-demand-without-a-range', 24, { FragmentSelectorType: 'SERVER_TIMESTAMP' }),
		onDemand('on-demand-without-an-end', 24, {
			FragmentSelectorType: 'SERVER_TIMESTAMP',
			TimestampRange: start,
		}),
		onDemand('on-demand-without-a-type', 24, { TimestampRange: wholeRange }),
		onDemand('type-unknown', 24, { FragmentSelectorType: 'TIMESTAMP', TimestampRange: wholeRange }),
		onDemand('range-of-one-moment', 25, byServer(range('{server:0}', '{server:0}'))),
		onDemand('range-backwards', 25, byServer(range('{server:5}', '{server:0}'))),
		onDemand('range-over-a-day', 25, byServer(range('{now-86401000}', '{now-500}'))),
		onDemand('range-into-the-future', 25, byServer(range('{server:0}', '{server:0+86400000}'))),
		onDemand('range-before-retention', 25, byServer(range(86_400, 90_000))),
		...([299, 43_201] as const).map((Expires) => wrong(`expires-${Expires}`, 26, { ...valid, Expires })),
		...([0, 5001] as const).map((count) => wrong(`results-${count}`, 26, { ...valid, [maxResults]: count })),
		wrong('timestamps-unknown', 26, { ...valid, DisplayFragmentTimestamp: 'SOMETIMES' }),
		onDemand('nothing-in-the-range', 27, byProducer(range('{producer:2+1}', '{producer:2+2}'))),
	];
}

/** Opens a session, and keeps its URL. */
function opened(protocol: 'hls' | 'dash', more: { readonly [name: string]: Template } = {}): ProbeStep {
	const { selector, request } = protocols[protocol === 'hls' ? 0 : 1];
	const body = {
		StreamName: '{stream}',
		PlaybackMode: 'ON_DEMAND',
		[selector]: byProducer(producerRange),
		...more,
	};
	return { ...request, body, saveUrl: { session: 'StreamingSessionURL":\\s*"([^"]+)"' } };
}

const get = (name: string, more: Partial<ProbeStep> = {}): ProbeStep => ({
	to: 'session',
	method: 'GET',
	path: `{saved:${name}}`,
	...more,
});

/** The first line of a playlist that is a URI. */
const FIRST_URI = '\\n([^#\\s]+)';
const INITIALIZATION = '#EXT-X-MAP:URI="([^"]+)"';
const master = get('session', { saveUrl: { media: FIRST_URI } });
const media = get('media', { saveUrl: { initialization: INITIALIZATION, fragment: FIRST_URI } });
const token = { session: 'StreamingSessionURL":\\s*"([^"]+)"' };

/** Sessions of HLS and DASH, and their resources. */
export const sessionProbes: readonly Probe[] = [
	...protocols.flatMap(refusals),
	...(
		[
			['hls-container-unknown', { ContainerFormat: 'MKV' }],
			['hls-discontinuity-unknown', { DiscontinuityMode: 'MAYBE' }],
		] as const
	).map(([name, members]): Probe => ({ name, guess: 26, steps: [opened('hls', members)] })),
	{ name: 'dash-numbers-unknown', guess: 26, steps: [opened('dash', { DisplayFragmentNumber: 'MAYBE' })] },
	{ name: 'hls-url', guess: 28, steps: [opened('hls')] },
	{ name: 'dash-url', guess: 28, steps: [opened('dash')] },
	{ name: 'hls-playlists', guess: 29, steps: [opened('hls'), master, media] },
	{
		name: 'hls-playlists-with-times-and-discontinuities',
		guess: 29,
		steps: [
			opened('hls', { DisplayFragmentTimestamp: 'ALWAYS', DiscontinuityMode: 'ALWAYS' }),
			master,
			media,
		],
	},
	{
		name: 'hls-playlists-where-discontinuous',
		guess: 29,
		steps: [opened('hls', { DiscontinuityMode: 'ON_DISCONTINUITY' }), master, media],
	},
	{
		name: 'hls-transport-streams',
		guess: 30,
		steps: [opened('hls', { ContainerFormat: 'MPEG_TS' }), master, media, get('fragment')],
	},
	{ name: 'dash-manifest', guess: 31, steps: [opened('dash'), get('session')] },
	{
		name: 'dash-manifest-with-times-and-numbers',
		guess: 31,
		steps: [
			opened('dash', { DisplayFragmentTimestamp: 'ALWAYS', DisplayFragmentNumber: 'ALWAYS' }),
			get('session'),
		],
	},
	{
		name: 'hls-media',
		guess: 32,
		steps: [opened('hls'), master, media, get('initialization'), get('fragment')],
	},
	{
		name: 'hls-preflight',
		guess: 32,
		steps: [
			opened('hls'),
			get('session', {
				method: 'OPTIONS',
				headers: { origin: 'https://example.com', 'access-control-request-method': 'GET' },
			}),
		],
	},
	{ name: 'hls-head', guess: 32, steps: [opened('hls'), get('session', { method: 'HEAD' })] },
	{
		name: 'hls-token-changed',
		guess: 33,
		steps: [
			{ ...opened('hls'), saveUrl: { session: token.session, base: 'StreamingSessionURL":\\s*"([^"?]+)' } },
			get('base', { path: '{saved:base}?SessionToken=AAAA' }),
		],
	},
	{
		name: 'hls-token-missing',
		guess: 33,
		steps: [{ ...opened('hls'), saveUrl: { base: 'StreamingSessionURL":\\s*"([^"?]+)' } }, get('base')],
	},
	{ name: 'hls-post', guess: 33, steps: [opened('hls'), get('session', { method: 'POST' })] },
	{
		name: 'hls-unknown-track',
		guess: 33,
		steps: [opened('hls'), master, get('media', { path: '{saved:media}9' })],
	},
	{
		name: 'hls-unknown-fragment',
		guess: 33,
		steps: [
			opened('hls'),
			master,
			{
				...media,
				saveUrl: { before: '\\n([^#\\s]*FragmentNumber=)\\d' },
				save: { after: 'FragmentNumber=\\d+(&\\S+)' },
			},
			get('before', { path: '{saved:before}1{saved:after}' }),
		],
	},
];
