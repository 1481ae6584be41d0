# What transforms big files on Fargate: Transform's own code and libraries. infra/big_files.py says what of the tree it gets.
FROM python:3.13-slim-bookworm
COPY tasks/requirements/big_file.txt /requirements.txt
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r /requirements.txt \
 && useradd --no-create-home sluice
WORKDIR /sluice
COPY workflow workflow
COPY tasks tasks
USER sluice
ENTRYPOINT ["python", "-m", "tasks.big_file"]
