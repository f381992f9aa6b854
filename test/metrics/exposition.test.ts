import { fc, testProp } from '@fast-check/ava';
import type { MetricFamily } from 'kvs-archive';
import { renderMetrics } from '#lib/metrics/exposition.js';
import { anyText } from '../helpers/any-text.js';
import { readExposition } from '../helpers/exposition.js';

const name = fc.stringMatching(/^[a-z_]{1,12}$/);
const labels = fc.dictionary(name, anyText(), { maxKeys: 3, noNullPrototype: true });
const families: fc.Arbitrary<MetricFamily[]> = fc.uniqueArray(
	fc.record({
		name,
		type: fc.constantFrom('counter' as const, 'gauge' as const),
		help: anyText(),
		samples: fc.uniqueArray(
			fc.record({ labels, value: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
			{ selector: (sample) => JSON.stringify(sample.labels), maxLength: 4 },
		),
	}),
	{ selector: (family) => family.name, maxLength: 4 },
);

const ownPrototype: MetricFamily = {
	name: 'a',
	type: 'gauge',
	help: '',
	samples: [{ labels: JSON.parse('{"__proto__":"","constructor":"x"}') as Record<string, string>, value: 0 }],
};

testProp(
	'rendered metrics are parsed back unchanged',
	[families],
	(t, given) => {
		const read = readExposition(renderMetrics(given));
		t.deepEqual(
			[...read].map(([name, { type, help, samples }]) => ({ name, type, help, samples })),
			given.map((family) => ({
				...family,
				samples: family.samples.map(({ labels, value }) => ({ labels: { ...labels }, value: value + 0 })),
			})),
		);
	},
	{ examples: [[[ownPrototype]]] },
);
