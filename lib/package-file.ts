/**
 * Where a file of this package is, such as `examples/media/clock.mkv`. By the package's name, as modules stand elsewhere once
 * they are bundled.
 */
export function packageFile(path: string): URL {
	return new URL(path, import.meta.resolve('kvs-archive/package.json'));
}
