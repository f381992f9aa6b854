import { jsonProbe, type Probe, type Template } from '../probe.js';
import { byProducer, byServer, range, wholeRange } from './requests.js';

const clip = { to: 'GET_CLIP', path: '/getClip' } as const;
const images = { to: 'GET_IMAGES', path: '/getImages' } as const;

/** A request for images that is valid. */
const valid: { readonly [name: string]: Template } = {
	StreamName: '{stream}',
	ImageSelectorType: 'PRODUCER_TIMESTAMP',
	StartTimestamp: '{producer:0}',
	EndTimestamp: '{producer:1}',
	SamplingInterval: 500,
	Format: 'JPEG',
	WidthPixels: 64,
	HeightPixels: 48,
};

/** GetClip and GetImages. */
export const pictureProbes: readonly Probe[] = [
	...(
		[
			['clip-selector-missing', undefined],
			['clip-type-missing', { TimestampRange: wholeRange }],
			['clip-type-unknown', { FragmentSelectorType: 'TIMESTAMP', TimestampRange: wholeRange }],
			['clip-range-missing', { FragmentSelectorType: 'SERVER_TIMESTAMP' }],
			[
				'clip-end-missing',
				{ FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: { StartTimestamp: '{server:0}' } },
			],
		] as const
	).map(([name, selector]) =>
		jsonProbe(name, 34, clip, {
			StreamName: '{stream}',
			...(selector !== undefined && { ClipFragmentSelector: selector }),
		}),
	),
	clipOf('clip-of-one-moment', 25, byServer(range('{server:0}', '{server:0}'))),
	clipOf('clip-backwards', 25, byServer(range('{server:5}', '{server:0}'))),
	clipOf('clip-over-a-day', 25, byServer(range('{now-86401000}', '{now-500}'))),
	clipOf('clip-before-retention', 25, byServer(range(86_400, 90_000))),
	clipOf('clip-of-nothing', 27, byProducer(range('{producer:2+1}', '{producer:2+2}'))),
	clipOf('clip', 35, byProducer(range('{producer:0}', '{producer:1}'))),
	...(
		[
			['images-type-missing', { ImageSelectorType: null }],
			['images-format-missing', { Format: null }],
			['images-format-unknown', { Format: 'GIF' }],
			['images-start-missing', { StartTimestamp: null }],
			['images-end-missing', { EndTimestamp: null }],
			['images-backwards', { StartTimestamp: '{producer:1}', EndTimestamp: '{producer:0}' }],
			['images-over-300-seconds', { EndTimestamp: '{producer:0+300001}' }],
			['images-interval-199', { SamplingInterval: 199 }],
			['images-interval-0', { SamplingInterval: 0 }],
			['images-width-alone', { HeightPixels: null }],
			['images-width-0', { WidthPixels: 0 }],
			['images-width-3841', { WidthPixels: 3841 }],
			['images-height-2161', { HeightPixels: 2161 }],
			['images-results-0', { MaxResults: 0 }],
			['images-results-101', { MaxResults: 101 }],
			['images-config-empty', { FormatConfig: {} }],
			['images-config-unknown', { FormatConfig: { PNGQuality: '5' } }],
			['images-quality-0', { FormatConfig: { JPEGQuality: '0' } }],
			['images-quality-101', { FormatConfig: { JPEGQuality: '101' } }],
			['images-quality-a-number', { FormatConfig: { JPEGQuality: 80 } }],
			['images-token-malformed', { NextToken: 'AAAA' }],
		] as const
	).map(([name, members]) => imagesOf(name, 36, members)),
	imagesOf('images-height-alone', 36, { WidthPixels: null, EndTimestamp: '{producer:0}' }),
	imagesOf('images', 37, {}),
	imagesOf('images-of-png', 37, { Format: 'PNG', EndTimestamp: '{producer:0}' }),
	imagesOf('images-without-an-interval', 37, { SamplingInterval: null, EndTimestamp: '{producer:0+6000}' }),
	imagesOf('images-of-one-moment', 37, { EndTimestamp: '{producer:0}' }),
	imagesOf('images-over-a-page', 37, {
		EndTimestamp: '{producer:0+6000}',
		SamplingInterval: 200,
		MaxResults: 100,
	}),
	{
		name: 'images-pages',
		guess: 37,
		steps: [
			{ ...images, body: { ...valid, MaxResults: 2 }, save: { images: '"NextToken":\\s*"([^"]+)"' } },
			{ ...images, body: { ...valid, MaxResults: 2, NextToken: '{saved:images}' } },
		],
	},
	imagesOf('images-within-a-fragment', 38, {
		StartTimestamp: '{producer:2+100}',
		EndTimestamp: '{producer:2+300}',
		SamplingInterval: 200,
	}),
	imagesOf('images-of-nothing', 38, { StartTimestamp: 172_800, EndTimestamp: 172_801 }),
];

function clipOf(name: string, guess: number, ClipFragmentSelector: Template): Probe {
	return jsonProbe(name, guess, clip, { StreamName: '{stream}', ClipFragmentSelector });
}

function imagesOf(name: string, guess: number, members: { readonly [name: string]: Template }): Probe {
	return jsonProbe(name, guess, images, { ...valid, ...members });
}
