// sharp as one tunes it: decode once, scaled; the web rendition and each preview from the next larger one; in WebP.
// node sharp.js MODULES EFFORT; a media type and a path a line, an answer a line.
const fs = require("fs");
const sharp = require(`${process.argv[2]}/sharp`);
const effort = Number(process.argv[3]);
sharp.concurrency(1);
sharp.cache(false);

const raw = (info) => ({ raw: { width: info.width, height: info.height, channels: info.channels } });
const fitted = (picture, side) =>
  picture
    .resize(side, side, { fit: "inside", withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
const webp = async ({ data, info }) => (await sharp(data, raw(info)).webp({ quality: 80, effort }).toBuffer()).length;

// A profile that is sRGB's own needs no conversion, which sharp would do for each pixel.
async function isSrgb(content) {
  const { icc } = await sharp(content).metadata();
  return !!icc && (icc.includes("sRGB") || icc.includes(Buffer.from("sRGB", "utf16le").swap16()));
}

async function work(path) {
  const content = fs.readFileSync(path);
  const options = { ignoreIcc: await isSrgb(content) };
  let picture = await fitted(sharp(content, options).autoOrient(), 2048);
  const bytes = await webp(picture);
  let previews = 0;
  for (const side of [512, 256, 128]) {
    picture = await fitted(sharp(picture.data, raw(picture.info)), side);
    previews += await webp(picture);
  }
  await fitted(sharp(picture.data, raw(picture.info)), 100);
  return { bytes, previews };
}

(async () => {
  const lines = require("readline").createInterface({ input: process.stdin });
  for await (const line of lines) {
    const before = process.cpuUsage();
    const made = await work(line.slice(line.indexOf(" ") + 1));
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ cpu_ms: (user + system) / 1000, ...made }));
  }
})();
