// Draws messages from the JSON that the bot sent, as the platform would. Whatever it does not know it refuses, so that a
// picture never shows less than was sent.
"use strict";

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
};

const text = (className, ...children) => element("div", { className }, ...children);

const GROUPS = { S0OPS: "@ops", 7001: "@ops" };

const ping = (id) => element("span", { className: "ping" }, GROUPS[id] ?? `@${id}`);

const slack = {
  entities: (words) => words.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),

  plain(object) {
    if (object.type !== "plain_text") throw new Error(`a text of type ${object.type}`);
    return slack.entities(object.text);
  },

  // Mentions, code blocks and plain words are all that we send as mrkdwn.
  mrkdwn(words) {
    return words.split(/(```[^]*?```|<!subteam\^\w+>)/).map((part) => {
      if (part.startsWith("```")) return element("pre", {}, slack.entities(part.slice(3, -3).trim()));
      const group = /^<!subteam\^(\w+)>$/.exec(part);
      return group ? ping(group[1]) : slack.entities(part.trim());
    });
  },

  blocks: {
    header: (block) => element("h3", {}, slack.plain(block.text)),
    section: (block) =>
      block.text.type === "mrkdwn"
        ? text("text", ...slack.mrkdwn(block.text.text))
        : text("text", slack.plain(block.text)),
    context: (block) => text("context", ...block.elements.map((one) => element("span", {}, slack.plain(one)))),
    actions: (block) =>
      text(
        "buttons",
        ...block.elements.map((one) => element("button", { className: one.style ?? "" }, slack.plain(one.text))),
      ),
  },

  body: (message) =>
    message.blocks.map((block) => {
      const draw = slack.blocks[block.type];
      if (!draw) throw new Error(`a block of type ${block.type}`);
      return draw(block);
    }),
};

const discord = {
  // What a backslash stands before is a letter; stars make bold, three backticks a code block, and roles are named.
  markdown(words) {
    return words.split(/(```[^]*?```)/).flatMap((part) => {
      if (part.startsWith("```")) return [element("pre", {}, part.slice(3, -3).trim())];
      const found = part.replace(/^\n+|\n+$/g, "").match(/\\[^]|\*\*(?:\\[^]|[^\\])*?\*\*|<@&\d+>|[^\\*<]+|[^]/g) ?? [];
      return found.map((one) => {
        if (one.startsWith("**")) return element("b", {}, one.slice(2, -2).replace(/\\([^])/g, "$1"));
        if (one.startsWith("<@&")) return ping(one.slice(3, -1));
        return one.startsWith("\\") ? one.slice(1) : one;
      });
    });
  },

  embed(embed) {
    const known = ["type", "title", "description", "footer", "color"];
    const other = Object.keys(embed).filter((key) => !known.includes(key));
    if (other.length) throw new Error(`an embed with ${other}`);
    const box = text(
      "embed",
      embed.title ? element("h3", {}, ...discord.markdown(embed.title)) : null,
      embed.description ? text("text", ...discord.markdown(embed.description)) : null,
      embed.footer ? text("footer", embed.footer.text) : null,
    );
    if (embed.color !== undefined) box.style.borderColor = `#${embed.color.toString(16).padStart(6, "0")}`;
    return box;
  },

  row(row) {
    if (row.type !== 1) throw new Error(`a component of type ${row.type}`);
    const buttons = row.components.map((one) => element("button", { className: `style-${one.style}` }, one.label));
    return text("buttons", ...buttons);
  },

  body: (message) => [
    message.content ? text("text", ...discord.markdown(message.content)) : null,
    ...message.embeds.map(discord.embed),
    ...message.components.map(discord.row),
  ],
};

const draw = ({ platform, messages }) => {
  document.body.className = platform;
  const body = { slack: slack.body, discord: discord.body }[platform];
  for (const message of messages) {
    const who = element(
      "div",
      { className: "who" },
      element("b", {}, "Signalbox"),
      element("span", { className: "badge" }, "APP"),
      element("span", { className: "at" }, message.at),
    );
    const alone = message.alone ? text("alone", "Only visible to you") : null;
    const thread = message.picture
      ? text(
          "thread",
          element("a", {}, "In its thread"),
          element("img", { src: `data:image/png;base64,${message.picture}`, alt: message.alt }),
        )
      : null;
    const column = element("div", {}, who, alone, ...body(message).filter(Boolean), thread);
    document.body.append(element("article", {}, text("face", "S"), column));
  }
  document.title = "drawn";
};
